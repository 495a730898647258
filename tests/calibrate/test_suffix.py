"""What lies behind a tensor, alone: exactly the model's own outputs, whatever joins from the side."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.prediction import prediction_difference
from edgeq.calibrate.suffix import Suffix

GRAPH = """<ir_version: 10, opset_import: ["" : 21]>
g (float[1,4] x, float[1,4] z) => (float[1,4] y, float[1,4] r, float[1,4] side) {
    a = Relu(x)  b = Neg(a)  s = Sigmoid(z)  c = Mul(b, s)  r = Add(c, a)  y = Softmax(r)  side = Abs(z)
}"""


@pytest.fixture
def model() -> ir.Model:
    return ir.from_proto(onnx.shape_inference.infer_shapes(onnx.parser.parse_model(GRAPH)))


@pytest.fixture
def feeds() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal((5, 1, 4)).astype(np.float32) for name in "xz"}


@pytest.mark.parametrize(
    ("tensor", "outputs"), [("x", "yr"), ("a", "yr"), ("s", "yr"), ("c", "yr"), ("r", "yr"), ("y", "y")]
)
def test_unchanged_tensor_gives_unchanged_outputs(
    model: ir.Model, feeds: dict[str, np.ndarray], tensor: str, outputs: str
) -> None:
    suffix = Suffix(model, tensor, feeds)
    whole = FloatRunner(model).run(feeds)
    expected = np.concatenate([whole[name].reshape(5, -1) for name in outputs], axis=1)
    np.testing.assert_array_equal(suffix.run(suffix.exact), expected)
    assert [value.name for value in model.graph.outputs] == ["y", "r", "side"], "the model is left as it was"


def test_a_changed_tensor_is_seen(model: ir.Model, feeds: dict[str, np.ndarray]) -> None:
    """A change of `a` reaches the outputs on both ways."""
    suffix = Suffix(model, "a", feeds)
    a = suffix.exact + 1
    r = -a / (1 + np.exp(-feeds["z"])) + a
    np.testing.assert_allclose(suffix.run(a)[:, 4:], r.reshape(5, 4), rtol=1e-5)


def test_prediction_difference() -> None:
    p, q = np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[0.25, 0.75], [1.0, 0.0]])
    expected = 0.5 * (0.5 * np.log(2) + 0.5 * np.log(2 / 3))
    assert prediction_difference(p, q, probabilities=True) == pytest.approx(expected, rel=1e-4)
    assert prediction_difference(p, p, probabilities=True) == 0
    assert prediction_difference(p, 0.9 * p, probabilities=False) == pytest.approx(0.01)
