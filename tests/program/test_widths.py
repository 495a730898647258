"""Activations of 4 and 16 bits through the real passes: the same integers in every runner, close to onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from program.pipeline import compile_graph
from program.random_graphs import RandomGraph, random_graphs

from edgeq.lower.lower import lower
from edgeq.program.interpreter import interpret
from edgeq.report.conformance import compare_with_onnxruntime
from edgeq.run.host import HostRunner
from edgeq.targets.load import load_target

patiently = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("activation_bits", "most"), [(4, 1), (16, 2)])
@settings(patiently, max_examples=40)
@given(graph=random_graphs())
def test_kernels_are_close_to_onnxruntime(activation_bits: int, most: int, graph: RandomGraph) -> None:
    """All but interpolated functions, whose bound depends on the function (tests/quant/test_tables.py)."""
    compiled = compile_graph(graph.model, graph.samples, activation_bits=activation_bits)
    found = compare_with_onnxruntime(compiled.model, compiled.built, compiled.real, compiled.integers)
    lines = {op.y for op in compiled.built.program.ops if op.kind == "interpolate"}
    interpolated = {name for name, value in compiled.built.tensors.values() if value.buffer in lines}
    steps = {name: steps for name, (steps, _) in found.layers.items() if name not in interpolated}
    assert max(steps.values(), default=0) <= most, steps


@pytest.mark.parametrize("activation_bits", [4, 16])
@settings(patiently, max_examples=4)
@given(graph=random_graphs(samples=3))
def test_host_kernels_give_the_interpreters_integers(activation_bits: int, graph: RandomGraph) -> None:
    compiled = compile_graph(graph.model, graph.samples, activation_bits=activation_bits)
    program = compiled.built.program
    expected = interpret(program, compiled.integers)
    found = HostRunner(lower(program, load_target("host"))).run(compiled.integers)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
