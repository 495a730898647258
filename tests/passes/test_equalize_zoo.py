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


@pytest.mark.parametrize(("measured", "helps"), [((1.1, 1.0), False), ((0.9, 1.0), True)], ids=["worse", "better"])
def test_measured_loss_has_the_last_word(zoo: Path, measured: tuple[float, float], helps: bool) -> None:
    """The judge sees the equalized trial, then the model; what the trial did not win leaves no trace."""
    model = load(zoo / "dscnn/model.onnx")
    calib = load_samples(zoo / "dscnn/calib.npz", input_specs(model)).first(CALIBRATED)
    judged, reasons, losses = model.clone(), list[str](), list(measured)

    def judge(candidate: ir.Model) -> float:
        assert (candidate is judged) == (len(losses) == 1)
        return losses.pop(0)

    pass_ = EqualizeLayers(calib, per_channel=False, sure_gain=1.0, judge=judge, decline=reasons.append)
    assert pass_(judged).modified == helps and not losses
    assert ("equalization was tried, and did not lower the measured loss" in reasons) != helps
    weights = [[v.const_value.numpy() for v in m.graph.initializers.values()] for m in (model, judged)]
    assert all(map(np.array_equal, *weights)) != helps


def test_a_sure_gain_needs_no_measurement(zoo: Path) -> None:
    model = load(zoo / "dscnn/model.onnx")
    calib = load_samples(zoo / "dscnn/calib.npz", input_specs(model)).first(CALIBRATED)

    def judge(candidate: ir.Model) -> float:
        raise AssertionError("asked")

    assert EqualizeLayers(calib, per_channel=False, sure_gain=0.0, judge=judge)(model.clone()).modified


def test_output_noise_prefers_the_quieter_network(zoo: Path) -> None:
    """The judge of the presets, where the truth is beyond doubt: fewer bits, more noise."""
    model = load(zoo / "dscnn/model.onnx")
    calib = load_samples(zoo / "dscnn/calib.npz", input_specs(model)).first(CALIBRATED)
    losses = [OutputNoise(calib, weight_bits=bits)(model) for bits in (8, 4, 2)]
    assert losses[0] < losses[1] / 4 < losses[2] / 16


def test_absorption_narrows_the_wake_word_net(zoo: Path) -> None:
    """Ranges on samples that it has not seen; none grows, and the function stays."""
    model = load(zoo / "sww/model.onnx")
    calib, test = (load_samples(zoo / "sww" / f, input_specs(model)) for f in ("calib.npz", "eval.npz"))
    shifted = model.clone()
    assert AbsorbHighBias(calib.first(CALIBRATED))(shifted).modified
    (batch,) = test.first(100).batches(100)
    reference = answers(model, batch)
    assert np.abs(answers(shifted, batch) - reference).max() < 1e-4
    names = [node.outputs[0].name for node in model.graph if node.op_type in ("Conv", "Gemm")]
    before, after = (
        np.array([float(np.ptp(np.append(values, 0))) for values in run(m, batch, names).values()])
        for m in (model, shifted)
    )
    assert (after <= 1.05 * before).all() and (after < 0.95 * before).any()
