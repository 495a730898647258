"""QDQ models of other tools keep their scales and their answers, or are refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from edgeq.calibrate.float_runner import FloatRunner, run
from edgeq.errors import UnsupportedError
from edgeq.frontend.load import load_model
from edgeq.passes.hoist_qdq import HoistQdq
from edgeq.passes.import_quantized import is_quantized
from edgeq.passes.recipes import import_passes
from edgeq.pipeline import run_passes

from .graphs import normal_samples, op_types, parse, quantized

RANDOM = np.random.default_rng(3)
S8, U8 = QuantType.QInt8, QuantType.QUInt8


class Reader(CalibrationDataReader):
    """Feeds the first samples of a calibration file to onnxruntime's quantizer."""

    def __init__(self, path: Path) -> None:
        data = np.load(path)
        self.rows = iter([{name: data[name][i : i + 1] for name in data.files} for i in range(8)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.rows, None)


def imported(model: ir.Model) -> ir.Model:
    return run_passes(model.clone(), import_passes())[0]


def check_equal(model: ir.Model, other: ir.Model) -> None:
    """Both compute the same numbers, bit for bit."""
    (batch,) = normal_samples(model, 32).batches(32)
    for reference, result in zip(run(model, batch).values(), run(other, batch).values(), strict=True):
        np.testing.assert_array_equal(reference, result)


@pytest.mark.parametrize(
    ("name", "activations", "per_channel"),
    [
        ("resnet8", U8, True),
        ("dscnn", S8, False),
        ("vww", U8, True),
        ("mnist_mbv2_torch", S8, False),
        ("autoencoder", U8, False),
    ],
)
def test_onnxruntime_quantized_zoo(
    zoo: Path, tmp_path: Path, name: str, activations: QuantType, per_channel: bool
) -> None:
    """Top-1 answers are all equal, and outputs within one step, to the model that onnxruntime wrote."""
    path, data = tmp_path / "q.onnx", np.load(zoo / name / "eval.npz")
    quantize_static(
        zoo / name / "model.onnx", path, Reader(zoo / name / "calib.npz"),
        quant_format=QuantFormat.QDQ, activation_type=activations, weight_type=S8, per_channel=per_channel,
    )  # fmt: skip
    model = load_model(path)
    assert is_quantized(model)
    result = imported(model)
    tensor = result.graph.inputs[0]
    batch = {str(tensor.name): data[str(tensor.name)][:30].reshape(30, *tensor.shape.numpy())}
    (reference,), (output,) = (FloatRunner(m).run(batch).values() for m in (ir.load(path), result))
    step = next(iter(result.graph.outputs)).producer().inputs[1].const_value.numpy()
    assert np.abs(reference - output).max() <= step * 1.001
    np.testing.assert_array_equal(reference.argmax(axis=-1), output.argmax(axis=-1))


def unsigned_model(zero_point: int, weight: np.ndarray) -> ir.Model:
    """Gemm in uint8 throughout, with a float bias; weights (8, 4)."""
    return parse(
        """g (float[1,8] x) => (float[1,4] y) {
            xq = QuantizeLinear(x, sx, zx)  xd = DequantizeLinear(xq, sx, zx)
            wd = DequantizeLinear<axis=1>(w, sw, zw)
            g = Gemm(xd, wd, b)
            r = Relu(g)
            yq = QuantizeLinear(r, sy, zy)  y = DequantizeLinear(yq, sy, zy) }""",
        {
            "sx": np.float32(0.03), "zx": np.uint8(117), "sy": np.float32(0.02), "zy": np.uint8(3),
            "w": weight, "sw": np.full(4, 0.01, np.float32), "zw": np.full(4, zero_point, np.uint8),
            "b": RANDOM.standard_normal(4).astype(np.float32),
        },
    )  # fmt: skip


def test_unsigned_becomes_signed_with_the_same_scales() -> None:
    model = unsigned_model(128, RANDOM.integers(0, 256, (8, 4), np.uint8))
    result = imported(model)
    values = ir.convenience.create_value_mapping(result.graph)
    quantize = values["xq"].producer()
    assert [v.const_value.numpy().item() for v in quantize.inputs[1:]] == [np.float32(0.03), 117 - 128]
    gemm = next(node for node in result.graph if node.op_type == "Gemm")
    integers, scale, zero = (value.const_value.numpy() for value in gemm.inputs[1].producer().inputs)
    assert integers.dtype == np.int8 and not zero.any() and (scale == np.float32(0.01)).all()
    assert gemm.inputs[2].producer().inputs[0].dtype == ir.DataType.INT32
    onnx.checker.check_model(ir.to_proto(result), full_check=True)
    (batch,) = normal_samples(model, 32).batches(32)
    (reference,), (output,) = (run(m, batch).values() for m in (model, result))
    assert np.abs(reference - output).max() <= 0.02 * 1.001  # the bias is rounded to int32


def test_weight_zero_points_are_subtracted_where_they_fit() -> None:
    weight = RANDOM.integers(10, 138, (8, 4), np.uint8)
    gemm = next(n for n in imported(unsigned_model(11, weight)).graph if n.op_type == "Gemm")
    np.testing.assert_array_equal(gemm.inputs[1].producer().inputs[0].const_value.numpy(), weight.astype(int) - 11)


def test_weight_zero_points_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="zero points") as error:
        imported(unsigned_model(11, np.full((8, 4), 200, np.uint8)))
    assert error.value.tensor == "w" and error.value.node and error.value.fix


@pytest.mark.parametrize("bias_type", ["int32", "int8"])
def test_foreign_bias_scale_is_converted(bias_type: str) -> None:
    model = parse(
        """g (float[1,2,4] x) => (float[1,3,4] y) {
            xq = QuantizeLinear(x, sx, z)  xd = DequantizeLinear(xq, sx, z)
            wd = DequantizeLinear(w, sw, z)  bd = DequantizeLinear(b, sb)
            c = Conv(xd, wd, bd)
            yq = QuantizeLinear(c, sx, z)  y = DequantizeLinear(yq, sx, z) }""",
        {
            "sx": np.float32(0.05), "sw": np.float32(0.01), "sb": np.float32(0.02), "z": np.int8(0),
            "w": RANDOM.integers(-128, 128, (3, 2, 1), np.int8), "b": np.array([50, -7, 99], bias_type),
        },
    )  # fmt: skip
    result = imported(model)
    bias = next(node for node in result.graph if node.op_type == "Conv").inputs[2].producer()
    integers, scale = (value.const_value.numpy() for value in bias.inputs)
    assert scale == np.float32(0.05) * np.float32(0.01)
    np.testing.assert_array_equal(integers, [2000, -280, 3960])
    check_equal(model, result)
    assert not run_passes(result, import_passes()[1:])[1][-1].changed, "a second time changes nothing"


def test_bias_beyond_int32_is_refused() -> None:
    model = unsigned_model(128, RANDOM.integers(0, 256, (8, 4), np.uint8))
    model.graph.initializers["b"].const_value = ir.tensor(np.array([1e6, 0, 0, 0], np.float32))
    with pytest.raises(UnsupportedError, match="int32") as error:
        imported(model)
    assert error.value.tensor == "b" and error.value.node == "node3"


def test_fake_quantized_weights_and_slopes() -> None:
    """QAT keeps float weights behind QuantizeLinear; slopes may be quantized too."""
    model = parse(
        """g (float[1,3,4,4] x) => (float[1,3,4,4] y) {
            xq = QuantizeLinear(x, s, z)  xd = DequantizeLinear(xq, s, z)
            wq = QuantizeLinear<axis=0>(w, sw, zw)  wd = DequantizeLinear<axis=0>(wq, sw, zw)
            slope = DequantizeLinear(a, sa, za)
            c = Conv(xd, wd)  p = PRelu(c, slope)
            yq = QuantizeLinear(p, s, z)  y = DequantizeLinear(yq, s, z) }""",
        {
            "s": np.float32(0.04), "z": np.int8(5), "sw": np.full(3, 0.01, np.float32), "zw": np.zeros(3, np.int8),
            "w": RANDOM.standard_normal((3, 3, 1, 1)).astype(np.float32),
            "a": np.full((3, 1, 1), 20, np.uint8), "sa": np.float32(0.01), "za": np.uint8(0),
        },
    )  # fmt: skip
    result = imported(model)
    prelu = next(node for node in result.graph if node.op_type == "PRelu")
    assert prelu.inputs[1].const_value.numpy() == pytest.approx(0.2)
    check_equal(model, result)


def test_constant_operands_are_quantized_or_kept() -> None:
    model = parse(
        """g (float[1,4] x) => (float[1,4] y) {
            xq = QuantizeLinear(x, s, z)  xd = DequantizeLinear(xq, s, z)
            k = DequantizeLinear(kq, s, z)
            a = Add(xd, k)  aq = QuantizeLinear(a, s, z)  ad = DequantizeLinear(aq, s, z)
            m = Mul(ad, half)  yq = QuantizeLinear(m, s, z)  y = DequantizeLinear(yq, s, z) }""",
        {
            "s": np.float32(0.04),
            "z": np.uint8(100),
            "kq": np.array([0, 1, 200, 255], np.uint8),
            "half": np.float32(0.5),
        },
    )
    result = imported(model)
    add, mul = (next(node for node in result.graph if node.op_type == op) for op in ("Add", "Mul"))
    np.testing.assert_array_equal(add.inputs[1].producer().inputs[0].const_value.numpy(), [-128, -127, 72, 127])
    assert mul.inputs[1].producer().inputs[0].dtype == ir.DataType.INT8
    check_equal(model, result)


def test_quantizers_move_above_data_movement() -> None:
    """Transpose and MaxPool of floats, Split with equal quantizers, and a pair without effect at the end."""
    model = parse(
        """g (float[1,4,4,2] x) => (float[1,1,2,2] y, float[1,1,2,2] v) {
            t = Transpose<perm=[0,3,1,2]>(x)  p = MaxPool<kernel_shape=[2,2], strides=[2,2]>(t)
            a, b = Split<axis=1, num_outputs=2>(p)
            aq = QuantizeLinear(a, s, z)  ad = DequantizeLinear(aq, s, z)
            bq = QuantizeLinear(b, s, z)  v = DequantizeLinear(bq, s, z)
            f = Identity(ad)
            fq = QuantizeLinear(f, s, z)  y = DequantizeLinear(fq, s, z) }""",
        {"s": np.float32(0.02), "z": np.int8(9)},
    )
    result = imported(model)
    assert op_types(result) == ["QuantizeLinear", "DequantizeLinear", "Transpose", "MaxPool", "Split", "Identity"]
    assert [value.name for value in result.graph.outputs] == ["y", "v"]
    check_equal(model, result)
    assert not HoistQdq()(result).modified


def test_another_grid_behind_data_movement_is_kept() -> None:
    model = parse(
        """g (float[1,4] x) => (float[4,1] y) {
            q = QuantizeLinear(x, s, z)  d = DequantizeLinear(q, s, z)  t = Transpose<perm=[1,0]>(d)
            tq = QuantizeLinear(t, r, z)  y = DequantizeLinear(tq, r, z) }""",
        {"s": np.float32(0.02), "r": np.float32(0.05), "z": np.int8(0)},
    )
    result = imported(model)
    assert op_types(result).count("QuantizeLinear") == 2
    check_equal(model, result)


def test_repeated_quantizers_are_merged() -> None:
    """Exporters write one quantizer per user."""
    model = parse(
        """g (float[1,4] x) => (float[1,4] y) {
            q = QuantizeLinear(x, s, z)  d = DequantizeLinear(q, s, z)
            q2 = QuantizeLinear(x, s, z)  d2 = DequantizeLinear(q2, s, z)  d3 = DequantizeLinear(q2, s, z)
            a = Add(d, d3)  aq = QuantizeLinear(a, s, z)  ad = DequantizeLinear(aq, s, z)
            m = Add(ad, d2)  mq = QuantizeLinear(m, s, z)  y = DequantizeLinear(mq, s, z) }""",
        {"s": np.float32(0.02), "z": np.int8(0)},
    )
    result = imported(model)
    assert op_types(result).count("QuantizeLinear") == op_types(result).count("DequantizeLinear") == 3
    check_equal(model, result)


def test_own_output_enters_unchanged() -> None:
    """What edgeq wrote, edgeq reads: same integers, same scales."""
    model = parse(
        "g (float[1,3,8,8] x) => (float[1,4] y) { c = Conv(x, w, b)  r = Relu(c)  g = GlobalAveragePool(r)"
        "  f = Flatten(g)  y = Softmax(f) }",
        {"w": RANDOM.standard_normal((4, 3, 3, 3)).astype(np.float32), "b": np.ones(4, np.float32)},
    )
    first = quantized(model)
    assert not is_quantized(model) and is_quantized(first)
    second = imported(first)
    assert op_types(second) == op_types(first)
    check_equal(first, second)
