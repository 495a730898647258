"""Where pairs stand, which parameters they have, and that the quantized graph still computes the model."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import run
from edgeq.errors import UnsupportedError
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.insert_qdq import InsertQdq

from .graphs import normal_samples, op_types, parse, quantized, sqnr_db

RANDOM = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def producers(model: ir.Model, name: str) -> list[str]:
    """Operators from a tensor upwards along first inputs, the nearest first."""
    value: ir.Value | None = ir.convenience.create_value_mapping(model.graph)[name]
    found: list[str] = []
    while value is not None and (node := value.producer()) is not None:
        found.append(node.op_type)
        value = node.inputs[0]
    return found


def parameters(model: ir.Model, quantized_tensor: str) -> tuple[float, int]:
    """Scale and zero point of the QuantizeLinear that makes a tensor."""
    node = ir.convenience.create_value_mapping(model.graph)[quantized_tensor].producer()
    assert node is not None and node.op_type == "QuantizeLinear"
    scale, zero = (value.const_value.numpy() for value in node.inputs[1:])
    assert scale.shape == zero.shape == ()
    return float(scale), int(zero)


def check_numbers(model: ir.Model, result: ir.Model, least_db: float = 25.0) -> None:
    """On the calibration samples themselves."""
    (batch,) = normal_samples(model).batches(32)
    for reference, output in zip(run(model, batch).values(), run(result, batch).values(), strict=True):
        assert sqnr_db(reference, output) > least_db


def test_conv_relu_is_one_group() -> None:
    model = parse(
        "g (float[1,3,8,8] x) => (float[1,4,8,8] y) { c = Conv<pads=[1,1,1,1]>(x, w, b)  y = Relu(c) }",
        {"w": normal(4, 3, 3, 3), "b": normal(4)},
    )
    result = quantized(model)
    pair = ["DequantizeLinear", "QuantizeLinear"]
    assert producers(result, "y") == [*pair, "Relu", "Conv", *pair]
    assert parameters(result, "y_quantized")[1] == -128
    conv = next(node for node in result.graph if node.op_type == "Conv")
    weight, bias = (conv.inputs[i].producer() for i in (1, 2))
    assert weight.inputs[0].name == "w_quantized" and weight.inputs[0].dtype == ir.DataType.INT8
    assert weight.inputs[1].const_value.numpy().shape == (4,) and weight.attributes.get_int("axis") == 0
    assert bias.inputs[0].dtype == ir.DataType.INT32
    scale = np.float32(parameters(result, "x_quantized")[0]) * weight.inputs[1].const_value.numpy()
    np.testing.assert_array_equal(bias.inputs[1].const_value.numpy(), scale)
    check_numbers(model, result)


@pytest.mark.parametrize("activation", ["Relu(c)", "Clip(c, lo, hi)", "LeakyRelu<alpha=0.1>(c)", "PRelu(c, slope)"])
@pytest.mark.parametrize("anchor", ["Conv(x, w)", "Add(x, k)", "Sigmoid(x)"])
def test_what_is_fused(anchor: str, activation: str) -> None:
    """Conv absorbs all four, Add only clamps, a table none: there the activation has its own pair on both sides."""
    model = parse(
        f"g (float[1,3,4,4] x) => (float[1,3,4,4] y) {{ c = {anchor}  y = {activation} }}",
        {
            "w": normal(3, 3, 1, 1),
            "k": normal(3, 1, 1),
            "slope": np.full((3, 1, 1), 0.2, np.float32),
            "lo": np.float32(-0.5),
            "hi": np.float32(1.5),
        },
    )
    result = quantized(model)
    fused = anchor.startswith("Conv") or (anchor.startswith("Add") and activation.startswith(("Relu", "Clip")))
    between = producers(result, "y")[3]
    assert between == (anchor.partition("(")[0] if fused else "DequantizeLinear")
    check_numbers(model, result, 20.0)


def test_a_value_used_twice_is_quantized_before_its_activation() -> None:
    model = parse(
        "g (float[1,3,4,4] x) => (float[1,3,4,4] y, float[1,3,4,4] c) { c = Conv(x, w)  y = Relu(c) }",
        {"w": normal(3, 3, 1, 1)},
    )
    result = quantized(model)
    assert [value.name for value in result.graph.outputs] == ["y", "c"]
    assert producers(result, "y")[:4] == ["DequantizeLinear", "QuantizeLinear", "Relu", "DequantizeLinear"]
    assert producers(result, "c")[:3] == ["DequantizeLinear", "QuantizeLinear", "Conv"]
    check_numbers(model, result)


def test_data_movement_inherits() -> None:
    model = parse(
        """g (float[1,8,8,2] x) => (float[1,32] y) {
            t = Transpose<perm=[0,3,1,2]>(x)  p = MaxPool<kernel_shape=[2,2], strides=[2,2]>(t)
            y = Flatten(p) }"""
    )
    result = quantized(model)
    assert op_types(result) == ["QuantizeLinear", "DequantizeLinear", "Transpose", "MaxPool", "Flatten"]
    check_numbers(model, result)


def test_weight_scale_reads_through_data_movement() -> None:
    """sx of the bias is the scale of the input's quantizer, though a Flatten stands between."""
    model = parse(
        "g (float[1,2,3] x) => (float[1,4] y) { f = Flatten(x)  y = Gemm<transB=1>(f, w, b) }",
        {"w": normal(4, 6), "b": 100 * normal(4)},
    )
    check_numbers(model, quantized(model))


def test_concat_has_its_own_grid() -> None:
    model = parse(
        "g (float[1,4] x) => (float[1,10] y) { s = Sigmoid(x)  y = Concat<axis=1>(x, s, k) }", {"k": normal(1, 2)}
    )
    result = quantized(model)
    assert producers(result, "y")[:3] == ["DequantizeLinear", "QuantizeLinear", "Concat"]
    concat = next(node for node in result.graph if node.op_type == "Concat")
    assert [value.producer().op_type for value in concat.inputs] == ["DequantizeLinear"] * 3
    assert concat.inputs[2].producer().inputs[0].dtype == ir.DataType.INT8
    check_numbers(model, result)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("Softmax<axis=1>", (1 / 256, -128)), ("Sigmoid", (1 / 256, -128)), ("Tanh", (1 / 128, 0))],
)
def test_functions_with_known_ranges(operator: str, expected: tuple[float, int]) -> None:
    model = parse(f"g (float[1,8] x) => (float[1,8] y) {{ y = {operator}(x) }}")
    result = quantized(model)
    assert parameters(result, "y_quantized") == expected
    check_numbers(model, result, 15.0)


@pytest.mark.parametrize(
    ("node", "shape", "axis", "channels"),
    [
        ("Gemm<transB=1>(x, w, b)", (4, 6), 0, 4),
        ("Gemm(x, w, b)", (6, 4), 1, 4),
        ("MatMul(x, w)", (6, 4), 1, 4),
    ],
)
def test_axis_of_output_channels(node: str, shape: tuple[int, int], axis: int, channels: int) -> None:
    model = parse(f"g (float[1,6] x) => (float[1,4] y) {{ y = {node} }}", {"w": normal(*shape), "b": normal(4)})
    result = quantized(model)
    weight = next(n for n in result.graph if n.op_type in ("Gemm", "MatMul")).inputs[1].producer()
    assert weight.attributes.get_int("axis") == axis
    assert weight.inputs[1].const_value.numpy().shape == (channels,)
    check_numbers(model, result)


def test_depthwise_and_grouped() -> None:
    model = parse(
        "g (float[1,6,5,5] x) => (float[1,4,3,3] y) { d = Conv<group=6>(x, w, b)  y = Conv<group=2>(d, v) }",
        {"w": normal(6, 1, 3, 3), "b": normal(6), "v": normal(4, 3, 1, 1)},
    )
    check_numbers(model, quantized(model))


def test_shared_weight_gets_scales_for_each_user() -> None:
    """The same weight, once with a bias that demands a coarse scale."""
    model = parse(
        "g (float[1,4] x) => (float[1,4] y, float[1,4] z) { y = Gemm(x, w, b)  z = Gemm(x, w, c) }",
        {"w": 1e-9 * normal(4, 4), "b": normal(4), "c": 1e-9 * normal(4)},
    )
    result = quantized(model)
    scales = [
        node.inputs[1].producer().inputs[1].const_value.numpy() for node in result.graph if node.op_type == "Gemm"
    ]
    assert (scales[0] > 100 * scales[1]).all()
    check_numbers(model, result)


def test_per_tensor_weights() -> None:
    model = parse("g (float[1,6] x) => (float[1,4] y) { y = Gemm(x, w, b) }", {"w": normal(6, 4), "b": normal(4)})
    result = quantized(model, per_channel=False)
    gemm = next(node for node in result.graph if node.op_type == "Gemm")
    for index in (1, 2):
        assert gemm.inputs[index].producer().inputs[1].const_value.numpy().shape == ()
    check_numbers(model, result)


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "least"), [(8, 16, 28.0), (8, 4, 10.0), (4, 8, 10.0), (4, 4, 8.0)]
)
def test_other_widths(weight_bits: int, activation_bits: int, least: float) -> None:
    """Input, output and what Softmax reads stay int8; everything between has the width that is asked for."""
    model = parse(
        """g (float[1,64] x) => (float[1,8] y) {
            h = MatMul(x, w)  r = Relu(h)  s = Sigmoid(r)  l = Gemm(s, v, b)  f = Flatten(l)  y = Softmax(f) }""",
        {"w": normal(64, 32), "v": normal(32, 8), "b": normal(8)},
    )
    result = quantized(model, weight_bits=weight_bits, activation_bits=activation_bits)
    values = ir.convenience.create_value_mapping(result.graph)
    widths = {name: values[f"{name}_quantized"].dtype.name for name in ("x", "r", "s", "l", "y", "w", "v")}
    inner, weights = f"INT{activation_bits}", f"INT{weight_bits}"
    assert widths == {"x": "INT8", "r": inner, "s": inner, "l": "INT8", "y": "INT8", "w": weights, "v": weights}
    check_numbers(model, result, least)


def test_names_are_the_users_with_suffixes_and_unique() -> None:
    model = parse(
        "g (float[1,4] x) => (float[1,4] y) { x_quantized = Relu(x)  y = Add(x_quantized, k) }", {"k": normal(4)}
    )
    result = quantized(model)
    names = [value.name for node in result.graph for value in node.outputs]
    assert len(set(names)) == len(names)
    assert {"x_quantized", "x_quantized_1", "x_dequantized", "k_quantized"} <= set(
        ir.convenience.create_value_mapping(result.graph)
    )
    assert [node.name for node in result.graph if node.op_type in ("Relu", "Add")] == ["node0", "node1"]
    check_numbers(model, result)


def test_several_inputs_and_outputs() -> None:
    model = parse("g (float[1,4] a, float[1,4] b) => (float[1,4] s, float[1,4] p) { s = Sub(a, b)  p = Mul(a, s) }")
    check_numbers(model, quantized(model))


def test_a_dead_activation_keeps_the_model_valid() -> None:
    """An output that is zero on every sample has no range."""
    model = parse("g (float[1,4] x) => (float[1,4] y) { z = Mul(x, k)  y = Add(x, z) }", {"k": np.float32(0)})
    check_numbers(model, quantized(model))


@pytest.mark.parametrize(
    ("body", "tensor"),
    [
        ("y = Cos(x)", None),
        ("t = Transpose(x)  y = Gemm(x, t)", "t"),
        ("y = Pad(x, pads, one)", None),
        ("y = Gemm(x, w, wide)", "wide"),
    ],
)
def test_refusals_name_the_place(body: str, tensor: str | None) -> None:
    constants = {"pads": np.array([0, 1, 0, 0]), "one": np.float32(1), "w": normal(2, 2), "wide": normal(2, 2)}
    model = parse(f"g (float[2,2] x) => (float[n,m] y) {{ {body} }}", constants)
    with pytest.raises(UnsupportedError) as error:
        quantized(model)
    assert error.value.node and error.value.fix and error.value.tensor == tensor


def test_ranges_are_needed() -> None:
    model = parse("g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }")
    with pytest.raises(ir.passes.PreconditionError, match="x, y"):
        InsertQdq()(model)
    Calibrate(normal_samples(model))(model)
    InsertQdq()(model)


@pytest.mark.parametrize("operator", ["GlobalAveragePool(f)", "Mul(f, f)", "Add(f, f)", "Concat<axis=1>(f, f)"])
def test_grids_are_not_finer_than_the_steps_that_fill_them(operator: str) -> None:
    """The sigmoid's grid is fixed; on these samples it is nearly 0 everywhere, and so is what follows."""
    shape = {"G": "1,2,1,1", "C": "1,4,2,2"}.get(operator[0], "1,2,2,2")
    body = f"a = Add(x, low)  f = Sigmoid(a)  y = {operator}"
    model = parse(f"g (float[1,2,2,2] x) => (float[{shape}] y) {{ {body} }}", {"low": np.float32(-14)})
    scale, _ = parameters(quantized(model), "y_quantized")
    assert scale == 2.0**-8 * (2.0**-8 if operator[0] == "M" else 1) * 2.0**-12
