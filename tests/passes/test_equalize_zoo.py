"""Equalization on real networks: it rescues one that was made hard, and raises the quality of ordinary ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.frontend.load import load_model
from edgeq.passes.absorb_high_bias import AbsorbHighBias
from edgeq.passes.equalize_layers import EqualizeLayers
from edgeq.passes.output_noise import OutputNoise

from .graphs import input_specs, quantized, sqnr_db
from .hard_mobilenet import hard_mobilenet

EVALUATED = 500
CALIBRATED = 32

load = cache(load_model)


def answers(model: ir.Model, feeds: dict[str, np.ndarray]) -> np.ndarray:
    (output,) = run(model, feeds).values()
    return output.reshape(len(output), -1)


@pytest.mark.parametrize("relu", [False, True], ids=["relu6", "relu"])
def test_hard_mobilenet(zoo: Path, relu: bool) -> None:
    """int8 collapses, per channel too, because activations have one scale per tensor; equalization brings it back."""
    model, hard = hard_mobilenet(zoo, relu=relu)
    specs = input_specs(model)
    calib = load_samples(zoo / "mnist_mbv2_torch/calib.npz", specs).first(CALIBRATED)
    test = load_samples(zoo / "mnist_mbv2_torch/eval.npz", specs).first(EVALUATED)
    (batch,) = test.batches(EVALUATED)

    def top1(candidate: ir.Model) -> float:
        return float((answers(candidate, batch).argmax(axis=1) == test.labels).mean())

    reference = answers(model, batch)
    np.testing.assert_allclose(answers(hard, batch), reference, atol=1e-4 * np.abs(reference).max())
    for per_channel in (True, False):
        assert top1(quantized(hard, calib, per_channel=per_channel)) < 0.2
        equal = hard.clone()
        assert EqualizeLayers(calib, per_channel=per_channel)(equal).modified
        np.testing.assert_allclose(answers(equal, batch), reference, atol=1e-4 * np.abs(reference).max())
        result = quantized(equal, calib, per_channel=per_channel)
        assert top1(result) >= top1(model) - 0.005
        assert sqnr_db(reference, answers(result, batch)) > 28
        assert not EqualizeLayers(calib, per_channel=per_channel)(equal).modified


@pytest.mark.parametrize(
    ("name", "gain_db"), [("mnist_mbv2_torch", 8.0), ("autoencoder", 1.5), ("vww", 1.5), ("dscnn", 1.0)]
)
def test_per_tensor_weights_gain(zoo: Path, name: str, gain_db: float) -> None:
    """Less noise on samples that nothing was fitted to, and no other function."""
    model = load(zoo / name / "model.onnx")
    calib, test = (load_samples(zoo / name / f, input_specs(model)) for f in ("calib.npz", "eval.npz"))
    calib = calib.first(CALIBRATED)
    equal = model.clone()
    assert EqualizeLayers(calib, per_channel=False)(equal).modified
    (batch,) = test.first(100).batches(100)
    reference = answers(model, batch)
    assert np.abs(answers(equal, batch) - reference).max() < 1e-4 * np.abs(reference).max()
    before, after = (sqnr_db(reference, answers(quantized(m, calib, per_channel=False), batch)) for m in (model, equal))
    assert after > before + gain_db


def test_measured_loss_has_the_last_word(zoo: Path) -> None:
    """On resnet8 per channel the prediction promises a little, and the measurement does not confirm it."""
    model = load(zoo / "resnet8/model.onnx")
    calib = load_samples(zoo / "resnet8/calib.npz", input_specs(model)).first(CALIBRATED)
    assert EqualizeLayers(calib)(model.clone()).modified
    judged, reasons = model.clone(), list[str]()
    assert not EqualizeLayers(calib, judge=OutputNoise(calib), decline=reasons.append)(judged).modified
    assert "equalization was tried, and did not lower the measured loss" in reasons
    for before, after in zip(model.graph.initializers.values(), judged.graph.initializers.values(), strict=True):
        np.testing.assert_array_equal(before.const_value.numpy(), after.const_value.numpy())


def test_absorption_helps_the_wake_word_net(zoo: Path) -> None:
    model = load(zoo / "sww/model.onnx")
    calib, test = (load_samples(zoo / "sww" / f, input_specs(model)) for f in ("calib.npz", "eval.npz"))
    shifted = model.clone()
    assert AbsorbHighBias(calib.first(CALIBRATED))(shifted).modified
    (batch,) = test.first(100).batches(100)
    reference = answers(model, batch)
    assert np.abs(answers(shifted, batch) - reference).max() < 1e-4
    losses = [OutputNoise(calib, per_channel=False)(m) for m in (model, shifted)]
    assert losses[1] < losses[0]
