"""Layers with widths of their own: what is asked for is what the QDQ model and the integer program hold."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.calibrate.float_runner import run
from edgeq.errors import UsageError
from edgeq.passes.assign_widths import AssignWidths, activation_layers, weight_layers
from edgeq.passes.recipes import quantize_passes
from edgeq.pipeline import run_passes
from edgeq.program.builder import build
from edgeq.program.interface import quantize_inputs, real_output
from edgeq.program.interpreter import interpret

from .graphs import normal_samples, parse

GRAPH = """net (float[1,3,8,8] x) => (float[1,5] y) {
    a = Conv<pads=[1,1,1,1]>(x, w0, b0)  r = Relu(a)
    d = Conv<pads=[1,1,1,1], group=8>(r, w1)  s = Sigmoid(d)
    m = Mul(r, s)  n = Add(m, r)
    l = LeakyRelu<alpha=0.1>(n)  p = MaxPool<kernel_shape=[2,2], strides=[2,2]>(l)
    g = GlobalAveragePool(p)  t = Tanh(g)  c = Concat<axis=1>(t, g)
    f = Flatten(c)  h = Gemm<transB=1>(f, w2, b2)  y = Softmax(h)
}"""
SHAPES = {"w0": (8, 3, 3, 3), "b0": (8,), "w1": (8, 1, 3, 3), "w2": (5, 16), "b2": (5,)}


def network() -> ir.Model:
    rng = np.random.default_rng(5)
    return parse(GRAPH, {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()})


MODEL = network()
WEIGHTS, ACTIVATIONS = weight_layers(MODEL.graph), activation_layers(MODEL.graph)


def quantized(widths: AssignWidths) -> ir.Model:
    passes = [widths, *quantize_passes(normal_samples(MODEL, 8))]
    return run_passes(MODEL.clone(), passes)[0]


@settings(max_examples=10, deadline=None)
@given(
    st.fixed_dictionaries(dict.fromkeys(WEIGHTS, st.sampled_from([8, 4, 2]))),
    st.fixed_dictionaries(dict.fromkeys(ACTIVATIONS, st.sampled_from([8, 16, 4]))),
)
def test_any_widths_reach_the_program_and_compute_what_onnxruntime_does(
    weights: dict[str, int], activations: dict[str, int]
) -> None:
    model = quantized(AssignWidths(weights, activations))
    built = build(model, "net")
    assert {op.name: op.weight_bits for op in built.program.ops if hasattr(op, "weight_bits")} == weights
    made = {op.name: built.program.buffer[op.y].bits for op in built.program.ops}
    assert {name: made[name] for name in activations} == activations
    (batch,) = normal_samples(MODEL, 4).batches(4)
    integers = interpret(built.program, quantize_inputs(built.program, batch))
    step = built.program.outputs[0].scale
    np.testing.assert_allclose(
        real_output(built.program.outputs[0], integers["y"]), run(model, batch)["y"], atol=3 * step
    )


def test_layers_that_the_interface_fixes_have_no_choice() -> None:
    assert list(WEIGHTS) == ["node0", "node2", "node12"]
    assert "node12" not in ACTIVATIONS
    with pytest.raises(UsageError, match=r"no layer 'node12' whose activations.*\n.*perhaps 'node2"):
        quantized(AssignWidths(activation_bits={"node12": 4}))


def test_an_unknown_layer_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no layer 'node22' whose weights.*\n.*perhaps 'node2' is meant"):
        quantized(AssignWidths(weight_bits={"node22": 4}))


def test_a_product_of_two_activations_has_no_weights_to_choose() -> None:
    graph = parse("g (float[2,4,5] x, float[2,5,3] z) => (float[2,4,3] y) { y = MatMul(x, z) }").graph
    assert not weight_layers(graph)
