"""C kernels: the interpreter's integers, no undefined behaviour, no warning, and text that stays as it is."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lower.c_harness import WARNINGS, run_checked, write_sources
from lower.operators import operators, program_of, random_inputs
from lower.targets import BARE, FULL

from edgeq.lower.c_header import FIXED_H
from edgeq.lower.c_source import c_sources
from edgeq.lower.lower import lower
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Dense, Requantize
from edgeq.program.program import Buffer, Port, Program

many = settings(
    max_examples=2,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("target", [FULL, BARE], ids=lambda t: t.name)
@many
@given(cases=st.lists(operators, min_size=15, max_size=15), seed=st.integers(0, 2**32))
def test_equals_interpreter_without_undefined_behaviour(target, cases, seed) -> None:
    program = program_of(cases)
    inputs = random_inputs(program, 4, seed)
    with tempfile.TemporaryDirectory() as folder:
        printed = run_checked(lower(program, target), inputs, interpret(program, inputs), Path(folder))
    assert printed == ""


@pytest.mark.parametrize("target", [FULL, BARE], ids=lambda t: t.name)
@pytest.mark.parametrize(
    "compiler",
    [["gcc"], ["clang"], ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"], ["clang", "--target=riscv32-none-elf"]],
    ids=["gcc", "clang", "gcc-32bit", "clang-32bit"],
)
def test_compiles_without_warnings(compiler, target, lower_every_kernel, tmp_path) -> None:
    kernels = write_sources(lower_every_kernel(target), tmp_path)
    freestanding = ["-ffreestanding"] if compiler[0] == "clang" else []
    command = [*compiler, *WARNINGS, *freestanding, "-Wmissing-prototypes", "-Wshadow", "-O2", "-c", kernels]
    result = subprocess.run(
        [*command, "-I", tmp_path, "-o", tmp_path / "kernels.o"], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def small_dense() -> Program:
    rq = Requantize(np.array([1 << 22, 1 << 23], np.int32), 3, -128, 127, left=1)
    weight = np.array([[1, -2, 3], [4, 5, -6]], np.int8)
    op = Dense("d", "y", "x", 1, weight, 8, np.array([7, -8], np.int32), rq)
    ports = Port("x", "x", (1, 3), 1.0, 0), Port("y", "y", (1, 2), 1.0, 0)
    return Program("tiny", ports[:1], ports[1:], (Buffer("x", (1, 3)), Buffer("y", (1, 2))), (op,))


def test_text() -> None:
    sources = c_sources(lower(small_dense(), FULL))
    assert sorted(sources) == [FIXED_H, "tiny_kernels.c"]
    assert sources["tiny_kernels.c"] == (Path(__file__).parent / "golden" / "tiny_kernels.c").read_text()
