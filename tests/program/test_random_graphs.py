"""Random graphs through the real passes: every runner gives the same integers, and onnxruntime agrees within a step."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from package.toolchain import STRICT, need
from program.c_program import write_program
from program.pipeline import Compiled, compile_graph
from program.random_graphs import RandomGraph, random_graphs

from edgeq.lower.lower import lower
from edgeq.program.builder import Interface
from edgeq.program.interpreter import interpret
from edgeq.report.conformance import compare_with_onnxruntime
from edgeq.run.host import HostRunner
from edgeq.targets.load import load_target

SANITIZE = ("-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
PER_BUILD = 8

interfaces = st.builds(
    Interface,
    st.sampled_from(["model", "nhwc", "nchw"]),
    st.sampled_from(["int8", "uint8", "int16"]),
    st.sampled_from(["arena", "caller"]),
)
widths = st.fixed_dictionaries({"weight_bits": st.sampled_from([8, 4]), "per_channel": st.booleans()})
patiently = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(patiently, max_examples=60)
@given(random_graphs(), interfaces, widths)
def test_kernels_are_within_a_step_of_onnxruntime(
    graph: RandomGraph, interface: Interface, options: dict[str, object]
) -> None:
    compiled = compile_graph(graph.model, graph.samples, interface=interface, **options)
    found = compare_with_onnxruntime(compiled.model, compiled.built, compiled.real, compiled.integers)
    assert found.max_steps <= 1, found.layers


@settings(patiently, max_examples=60)
@given(random_graphs(), interfaces, widths)
def test_rewrites_keep_every_byte(graph: RandomGraph, interface: Interface, options: dict[str, object]) -> None:
    compiled = compile_graph(graph.model, graph.samples, interface=interface, **options)
    expected = interpret(compiled.built.program, compiled.integers)
    for name, array in interpret(compiled.program, compiled.integers).items():
        np.testing.assert_array_equal(array, expected[name])


@settings(patiently, max_examples=3, phases=[Phase.generate])  # shrinking would take a C build per step
@given(st.lists(st.tuples(random_graphs(samples=2), interfaces), min_size=PER_BUILD, max_size=PER_BUILD))
def test_interpreter_host_and_sanitized_c_agree(
    tmp_path_factory: pytest.TempPathFactory, graphs: list[tuple[RandomGraph, Interface]]
) -> None:
    folder = tmp_path_factory.mktemp("graphs")
    names = []
    for number, (graph, interface) in enumerate(graphs):
        names.append(f"net{number}")
        compiled = compile_graph(graph.model, graph.samples, names[-1], interface)
        expected = interpret(compiled.built.program, compiled.integers)
        _check_host(compiled, expected)
        write_program(compiled, expected, folder)
    _check_c(folder, names)


def _check_host(compiled: Compiled, expected: dict[str, np.ndarray]) -> None:
    lowered = lower(compiled.program, load_target("host"))
    for name, array in HostRunner(lowered).run(compiled.integers).items():
        np.testing.assert_array_equal(array, expected[name])


def _check_c(folder: Path, names: list[str]) -> None:
    """Compiles all programs at once; each check returns the number of its first wrong sample."""
    declarations = "".join(f"int check_{name}(void);\n" for name in names)
    calls = "".join(f'    if (check_{name}()) {{ puts("{name} differs"); return 1; }}\n' for name in names)
    (folder / "main.c").write_text(f"#include <stdio.h>\n{declarations}int main(void)\n{{\n{calls}    return 0;\n}}\n")
    command = [need("gcc"), *STRICT, *SANITIZE, "-I.", *sorted(p.name for p in folder.glob("*.c")), "-o", "main"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    done = subprocess.run([folder / "main"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
