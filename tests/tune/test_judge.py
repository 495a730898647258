"""How answers are judged, and when a race is over."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.calibrate.prediction import prediction_difference
from edgeq.report.metrics import Accuracy
from edgeq.tune.judge import CHUNK, Judge
from edgeq.tune.losses import drop, sample_losses

SAMPLES = 4 * CHUNK + 7
GRAPH = """<ir_version: 10, opset_import: ["" : 21]>
g (float[1,4] x) => (float[1,3] y) { h = MatMul(x, w)  y = Softmax(h) }"""


def model(weight: np.ndarray) -> ir.Model:
    proto = onnx.parser.parse_model(GRAPH)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(weight.astype(np.float32), "w"))
    return ir.from_proto(proto)


RNG = np.random.default_rng(0)
WEIGHT = RNG.standard_normal((4, 3))
INPUTS = {"x": RNG.standard_normal((SAMPLES, 1, 4)).astype(np.float32)}


@pytest.mark.parametrize("form", ["probabilities", "values"])
def test_losses_of_samples_have_the_mean_of_the_prediction_difference(form: str) -> None:
    p, q = (np.abs(RNG.standard_normal((9, 5))) for _ in range(2))
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    whole = prediction_difference(p, q, probabilities=form == "probabilities")
    assert sample_losses(p, q, form).mean() == pytest.approx(whole)  # type: ignore[arg-type]


def test_scores_are_compared_behind_softmax() -> None:
    scores = RNG.standard_normal((9, 5))
    assert sample_losses(scores, scores + 3.0, "scores") == pytest.approx(np.zeros(9), abs=1e-12)


@pytest.mark.parametrize(
    ("accuracy", "lost"),
    [
        (Accuracy("top1", 0.9, 0.88, 10), 0.02),
        (Accuracy("agreement", None, 0.97, 10), 0.03),
        (Accuracy("sqnr", None, 20.0, 10), 0.01),
    ],
)
def test_what_a_metric_loses_is_a_share_of_one(accuracy: Accuracy, lost: float) -> None:
    assert drop(accuracy) == pytest.approx(lost)


def test_the_float_model_loses_nothing() -> None:
    found = Judge(model(WEIGHT), INPUTS, metric="agreement").judge(model(WEIGHT))
    assert (found.loss, found.drop, found.samples, found.stopped) == (pytest.approx(0), 0, SAMPLES, False)


def test_without_a_ceiling_all_samples_count_and_with_a_low_one_few() -> None:
    judge, other = Judge(model(WEIGHT), INPUTS, metric="agreement"), model(-WEIGHT)
    whole = judge.judge(other)
    assert whole.samples == SAMPLES and not whole.stopped
    assert judge.judge(other, ceiling=whole.loss / 10).samples == CHUNK
    assert not judge.judge(other, ceiling=whole.loss).stopped


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1 << 30))
def test_a_trial_below_the_ceiling_is_not_stopped(seed: int) -> None:
    """Whatever the order of the samples: the chance of an error is a thousandth."""
    order = np.random.default_rng(seed).permutation(SAMPLES)
    judge = Judge(model(WEIGHT), {"x": INPUTS["x"][order]}, metric="agreement")
    other = model(WEIGHT + 0.5)
    assert not judge.judge(other, ceiling=judge.judge(other).loss * 1.001).stopped
