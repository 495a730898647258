"""Layers with outliers as the sum of two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend import load_model
from edgeq.passes.output_noise import OutputNoise
from edgeq.passes.recipes import quantize_passes
from edgeq.passes.split_outliers import SplitOutliers
from edgeq.pipeline import run_passes

from .graphs import op_types, parse, sqnr_db

GRAPH = "g (float[1,4,6,6] x) => (float[1,8,6,6] y) { a = Conv<pads=[1,1,1,1]>(x, w, b)  y = Relu(a) }"
RNG = np.random.default_rng(0)


def with_outliers(size: float) -> ir.Model:
    weight = RNG.standard_normal((8, 4, 3, 3)).astype(np.float32)
    weight[:, 0, 1, 1] = size
    return parse(GRAPH, {"w": weight, "b": np.ones(8, np.float32)})


def zoo_model(zoo: Path, name: str) -> tuple[ir.Model, Samples]:
    model = load_model(zoo / name / "model.onnx")
    return model, load_samples(zoo / name / "calib.npz", input_specs(model)).first(16)


def test_the_sum_is_the_layer() -> None:
    model, losses = with_outliers(60), iter((1.0, 0.5))
    split, _ = run_passes(model.clone(), [SplitOutliers(lambda _: next(losses), 4)])
    assert op_types(split) == ["Conv", "Conv", "Add", "Relu"]
    inputs = {"x": RNG.standard_normal((3, 1, 4, 6, 6)).astype(np.float32)}
    np.testing.assert_allclose(run(split, inputs)["y"], run(model, inputs)["y"], atol=1e-4)
    small, large = (node.inputs[1].const_value.numpy() for node in list(split.graph)[:2])
    assert np.abs(small).max() < 6
    assert np.count_nonzero(large) == 8


@pytest.mark.parametrize(("size", "after"), [(60.0, 0.95), (2.0, 0.0)], ids=["no measured gain", "no outliers"])
def test_a_layer_stays_whole(size: float, after: float) -> None:
    losses, reasons = iter((1.0, after)), []
    result = SplitOutliers(lambda _: next(losses), 4, decline=reasons.append)(with_outliers(size))
    assert not result.modified
    assert len(reasons) == 1


def test_it_helps_the_autoencoder_at_4_bits(zoo: Path) -> None:
    model, samples = zoo_model(zoo, "autoencoder")
    (batch,) = load_samples(zoo / "autoencoder/eval.npz", input_specs(model)).first(64).batches(64)
    split, _ = run_passes(model.clone(), [SplitOutliers(OutputNoise(samples, 4), 4)])
    assert len(split.graph) > len(model.graph)
    (reference,) = run(model, batch).values()
    whole, parts = (
        sqnr_db(reference, *run(run_passes(m.clone(), quantize_passes(samples, weight_bits=4))[0], batch).values())
        for m in (model, split)
    )
    assert parts > whole + 1


def test_it_declines_dscnn_which_has_no_outliers(zoo: Path) -> None:
    model, samples = zoo_model(zoo, "dscnn")
    reasons: list[str] = []
    result = SplitOutliers(OutputNoise(samples, 4), 4, decline=reasons.append)(model)
    assert not result.modified
    assert all("has no outliers" in reason for reason in reasons)
