"""Samples distilled from batch normalization stand in for calibration data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from conftest import Example

import edgeq
from edgeq.errors import CalibrationError
from edgeq.frontend import load_model
from edgeq.passes.distill_samples import distilled_samples

from .graphs import parse


def _told(done: int, total: int) -> None:
    assert 0 < done <= total


@pytest.mark.parametrize("genie", [False, True])
def test_statistics_of_the_samples_are_those_of_training(digits: Example, genie: bool) -> None:
    """Mean and deviation of the pixels of real images, which the search never saw."""
    samples = distilled_samples(load_model(digits.model), 32, 0, _told, genie=genie)
    (images,) = next(iter(samples.batches(32))).values()
    real = np.load(digits.calib)["image"]
    assert images.shape == (32, 1, 1, 8, 8)
    assert abs(images.mean() - real.mean()) < 0.25 * real.std()
    assert 0.5 < images.std() / real.std() < 2


def test_int8_is_as_good_as_with_data(digits: Example, tmp_path: Path) -> None:
    accuracy = [
        edgeq.compile(digits.model, "host", calibration=calib, evaluation=digits.eval, out=tmp_path / name).report[
            "accuracy"
        ]["quantized"]
        for name, calib in (("data", digits.calib), ("none", "synthetic"))
    ]
    assert accuracy[1] >= accuracy[0] - 0.01


def test_a_real_network_without_batch_normalization_is_refused_plainly(repo_root: Path) -> None:
    """Layer normalization holds no statistics of data, and folded batch normalization none any more."""
    with pytest.raises(CalibrationError, match="no batch normalization") as refused:
        distilled_samples(load_model(repo_root / "examples/digits/vit.onnx"), 16, 0, _told)
    assert "--calib" in str(refused.value.fix)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (parse("g (float[1,2,4,4] x) => (float[1,2,4,4] y) { y = Relu(x) }"), "no batch normalization"),
        (parse("g (float[1,2] x, float[1,2] z) => (float[1,2] y) { y = Add(x, z) }"), "one input"),
    ],
)
def test_declines_models_that_tell_nothing_of_their_data(model: ir.Model, reason: str) -> None:
    with pytest.raises(CalibrationError, match=reason):
        distilled_samples(model, 16, 0, _told)
