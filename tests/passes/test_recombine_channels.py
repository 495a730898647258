"""What channels lose, made up for by the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend import load_model
from edgeq.passes.output_noise import OutputNoise
from edgeq.passes.recombine_channels import RecombineChannels, combination
from edgeq.pipeline import run_passes

from .graphs import parse

RNG = np.random.default_rng(0)
GRAPH = "g (float[1,6] x) => (float[1,3] y) { a = Gemm<transB=1>(x, w0, b0)  r = Relu(a)  y = Gemm<transB=1>(r, w1) }"
SHAPES = {"w0": (5, 6), "b0": (5,), "w1": (3, 5)}
MODEL = parse(GRAPH, {name: RNG.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()})


def zoo_model(zoo: Path, name: str) -> tuple[ir.Model, Samples]:
    model = load_model(zoo / name / "model.onnx")
    return model, load_samples(zoo / name / "calib.npz", input_specs(model)).first(16)


def test_a_removed_channel_is_the_combination_that_it_was() -> None:
    rows = RNG.standard_normal((5, 8))
    rows[4] = 2 * rows[0] - 0.5 * rows[3]
    present = rows.copy()
    present[4] = 0
    mix = combination(rows, present, 1e-9)
    np.testing.assert_allclose(mix @ present, rows, atol=1e-6)
    np.testing.assert_allclose(mix[4, :4], [2, 0, 0, -0.5], atol=1e-6)
    np.testing.assert_allclose(mix[:4], np.eye(5)[:4], atol=1e-6)


def test_a_strong_ridge_leaves_channels_as_they_are() -> None:
    rows = RNG.standard_normal((5, 8))
    np.testing.assert_allclose(combination(rows, np.rint(rows), 1e9), np.eye(5), atol=1e-6)


def test_a_pair_stays_where_the_loss_does_not_fall() -> None:
    model, losses, reasons = MODEL.clone(), iter((1.0, 0.99)), []
    result = RecombineChannels(lambda *_: next(losses), 2, decline=reasons.append)(model)
    assert not result.modified
    assert len(reasons) == 1
    inputs = {"x": RNG.standard_normal((4, 1, 6)).astype(np.float32)}
    np.testing.assert_array_equal(run(model, inputs)["y"], run(MODEL, inputs)["y"])


def test_it_helps_the_autoencoder_at_4_bits_on_unseen_samples(zoo: Path) -> None:
    """The mean of the errors left out of account: bias correction removes it."""
    model, samples = zoo_model(zoo, "autoencoder")
    unseen = OutputNoise(load_samples(zoo / "autoencoder/eval.npz", input_specs(model)).first(32), 4)
    mixed, _ = run_passes(model.clone(), [RecombineChannels(OutputNoise(samples, 4), 4)])
    assert unseen(mixed, model) < 0.85 * unseen(model)


def test_it_declines_layers_with_pooling_in_between(zoo: Path) -> None:
    model, samples = zoo_model(zoo, "mnist_cntk")
    assert not RecombineChannels(OutputNoise(samples, 4), 4)(model).modified
