"""The builder: what it makes of QDQ graphs, and what it says of those that have no integer form."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from edgeq.errors import UnsupportedError
from edgeq.program.builder import Interface, build
from edgeq.program.interface import quantize_inputs, real_output
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Op
from edgeq.program.program import Program

SCALE, ZERO = np.float32(0.5), np.int8(3)


def qdq(body: str, constants: Mapping[str, np.ndarray] | None = None, header: str = "float[1,2,3,4] x") -> ir.Model:
    """A QDQ model from ONNX's text form: `x` arrives quantized as `q`; the body ends in the integers `r`."""
    text = f"""<ir_version: 10, opset_import: ["" : 21]> g ({header}) => (float[] y) {{
        xi = QuantizeLinear(x, s, z)
        q = DequantizeLinear(xi, s, z)
        {body}
        y = DequantizeLinear(r, s, z)
    }}"""
    model = onnx.parser.parse_model(text)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    for name, array in {"s": SCALE, "z": ZERO, **(constants or {})}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), name))
    for number, node in enumerate(model.graph.node):
        node.name = f"node{number}"
    return ir.from_proto(onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True))


def program(
    body: str, constants: Mapping[str, np.ndarray] | None = None, interface: Interface | None = None
) -> Program:
    return build(qdq(body, constants), "net", interface).program


def kinds(ops: tuple[Op, ...]) -> list[str]:
    return [op.kind for op in ops]


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def run(net: Program) -> tuple[np.ndarray, np.ndarray]:
    """Input and output on one sample of the numbers 0, 1, ... 23."""
    x = np.arange(24, dtype=np.int8).reshape(1, 1, 2, 3, 4)
    return x[0], interpret(net, {"x": x})["y"][0]


def test_movements_that_cancel_copy_nothing_but_the_output() -> None:
    net = program(
        """a = Transpose<perm = [0, 2, 3, 1]>(q)
        b = Transpose<perm = [0, 3, 1, 2]>(a)
        r = QuantizeLinear(b, s, z)"""
    )
    assert kinds(net.ops) == ["copy"]
    x, y = run(net)
    assert (x == y).all()


def test_a_channels_last_dense_layer_takes_an_image_without_a_copy() -> None:
    """The columns of the weights follow the image's order in memory."""
    body = """c = Conv<group = 2>(q, cw, cb)
        ci = QuantizeLinear(c, s, z)
        d = DequantizeLinear(ci, s, z)
        f = Flatten(d)
        g = MatMul(f, w)
        r = QuantizeLinear(g, s, z)"""
    identity = np.ones((2, 1, 1, 1), np.int8)
    weight = np.zeros((24, 2), np.int8)
    weight[[5, 17], [0, 1]] = 1
    net = build(_with_weights(body, {"cw": identity, "w": weight}), "net").program
    assert kinds(net.ops) == ["copy", "conv2d", "dense"]
    x, y = run(net)
    assert y.tolist() == [[x.ravel()[5], x.ravel()[17]]]


def _with_weights(body: str, weights: dict[str, np.ndarray]) -> ir.Model:
    """Weights of scale 1 behind DequantizeLinear; convolutions named `c` get a bias of zero."""
    constants: dict[str, np.ndarray] = {"one": np.float32(1), "w0": np.int8(0), "b0": np.int32(0)}
    prefix = "cbs = DequantizeLinear(cbi, s, b0)\n"
    for name, integers in weights.items():
        constants[f"{name}_i"] = integers
        prefix += f"{name} = DequantizeLinear({name}_i, one, w0)\n"
    constants["cbi"] = np.zeros(2, np.int32)
    return qdq(prefix + body.replace("cb)", "cbs)"), constants)


def test_a_split_inside_a_flattened_image_reads_a_row_major_copy() -> None:
    body = """p = MaxPool<kernel_shape = [1, 1]>(q)
        f = Flatten(p)
        a, b = Split<axis = 1>(f, parts)
        r = QuantizeLinear(b, s, z)"""
    net = program(body, {"parts": whole(7, 17)})
    x, y = run(net)
    assert y.tolist() == [x.ravel()[7:].tolist()]


def test_operands_without_common_loops_are_copied_first() -> None:
    """One walks 2 x 12 elements, the other 8 x 3: no nested loops walk both."""
    body = """a = Reshape(q, sa)
        b = Transpose<perm = [0, 2, 1]>(a)
        c = Reshape(b, flat)
        d = Reshape(q, sd)
        e = Transpose<perm = [0, 2, 1]>(d)
        f = Reshape(e, flat)
        g = Add(c, f)
        r = QuantizeLinear(g, s, z)"""
    net = program(body, {"sa": whole(1, 2, 12), "sd": whole(1, 8, 3), "flat": whole(1, 24)})
    x, y = run(net)
    first, second = (x.reshape(shape).T.ravel().astype(int) for shape in ((2, 12), (8, 3)))
    assert y.tolist() == [(first + second - ZERO).tolist()]


def test_a_value_used_twice_is_copied_once() -> None:
    body = """a = Transpose<perm = [0, 3, 2, 1]>(q)
        m = MaxPool<kernel_shape = [1, 1]>(a)
        n = GlobalMaxPool(a)
        k = Add(m, n)
        r = QuantizeLinear(k, s, z)"""
    assert kinds(program(body).ops).count("copy") <= 2


@pytest.mark.parametrize("layout", ["nhwc", "nchw", "model"])
@pytest.mark.parametrize("input_type", ["int8", "uint8", "int16"])
def test_interfaces_feed_the_same_program(layout: str, input_type: str) -> None:
    """The same real numbers come in by every kind of port."""
    body = """a = Relu(q)
        r = QuantizeLinear(a, s, z)"""
    net = program(body, interface=Interface(layout, input_type))  # type: ignore[arg-type]
    real = np.linspace(-60, 60, 24, dtype=np.float32).reshape(1, 1, 2, 3, 4)
    integers = quantize_inputs(net, {"x": real})
    assert integers["x"].dtype == np.dtype(input_type)
    assert integers["x"].shape[1:] == ((1, 3, 4, 2) if layout == "nhwc" else (1, 2, 3, 4))
    got = real_output(net.outputs[0], interpret(net, integers)["y"])
    assert np.abs(got - np.maximum(real, 0)).max() <= SCALE * (1 if input_type == "int16" else 0.5)


PER_CHANNEL = {"sc": np.array([1, 2], np.float32), "zc": np.zeros(2, np.int8)}
REFUSED = {
    "float_operand": ("a = Add(q, x)\n r = QuantizeLinear(a, s, z)", {}, ("operand 1 of Add is not quantized", "'x'")),
    "float_activation": (
        "a = Relu(x)\n r = QuantizeLinear(a, s, z)",
        {},
        ("the input of an activation is not quantized", "'x'", "QuantizeLinear and a DequantizeLinear"),
    ),
    "per_channel_activation": (
        "a = QuantizeLinear<axis = 1>(q, sc, zc)\n b = DequantizeLinear<axis = 1>(a, sc, zc)\n"
        "r = QuantizeLinear(b, s, z)",
        PER_CHANNEL,
        ("activations need one constant scale", "quantize activations per tensor"),
    ),
    "float_weight": (
        "a = Conv(q, w)\n r = QuantizeLinear(a, s, z)",
        {"w": np.ones((1, 2, 1, 1), np.float32)},
        ("the weight of Conv is not a quantized constant", "'w'", "int8 initializer"),
    ),
    "weight_zero_point": (
        "w = DequantizeLinear(wi, s, z)\n a = Conv(q, w)\n r = QuantizeLinear(a, s, z)",
        {"wi": np.ones((1, 2, 1, 1), np.int8)},
        ("the weight has a zero point", "symmetrically"),
    ),
    "float_bias": (
        "w = DequantizeLinear(wi, s, wz)\n a = Conv(q, w, b)\n r = QuantizeLinear(a, s, z)",
        {"wi": np.ones((1, 2, 1, 1), np.int8), "wz": np.int8(0), "b": np.ones(1, np.float32)},
        ("the bias is not an int32 constant", "'b'", "freeze_weights"),
    ),
    "foreign_bias_scale": (
        "w = DequantizeLinear(wi, s, wz)\n b = DequantizeLinear(bi, s)\n a = Conv(q, w, b)\n"
        "r = QuantizeLinear(a, s, z)",
        {"wi": np.ones((1, 2, 1, 1), np.int8), "wz": np.int8(0), "bi": np.ones(1, np.int32)},
        ("bias scale is not input scale times weight scale", "'b'"),
    ),
    "bilinear_resize": (
        'a = Resize<mode = "linear">(q, , scales)\n r = QuantizeLinear(a, s, z)',
        {"scales": np.array([1, 1, 2, 2], np.float32)},
        ("only nearest Resize by integer factors", "mode='nearest'"),
    ),
    "reflecting_pad": (
        'a = Pad<mode = "reflect">(q, pads)\n r = QuantizeLinear(a, s, z)',
        {"pads": whole(0, 0, 1, 1, 0, 0, 1, 1)},
        ("only constant Pad",),
    ),
    "unknown_operator": (
        "a = Erf(q)\n b = Cos(q)\n r = QuantizeLinear(b, s, z)",
        {},
        ("operator Cos cannot be compiled", "edgeq inspect"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_integer_form_is_refused(case: str) -> None:
    body, constants, texts = REFUSED[case]
    with pytest.raises(UnsupportedError) as caught:
        program(body, constants)
    message = str(caught.value)
    assert all(text in message for text in texts), message
    assert re.search(r"node '[^']+'", message)


def test_an_output_that_nothing_quantizes_is_refused() -> None:
    model = qdq("r = QuantizeLinear(q, s, z)")
    model.graph.outputs[0] = next(v for v in model.graph.inputs)
    with pytest.raises(UnsupportedError, match=r"an output is not quantized.*'x'"):
        build(model, "net")


def test_a_shape_that_is_not_static_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"not static.*'x'.*\n.*--shape"):
        build(qdq("r = QuantizeLinear(q, s, z)", header="float[1,2,h,4] x"), "net")
