"""Analytic bias correction: means from batch normalization alone, on made networks and on a real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from conftest import Example

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.config import Config
from edgeq.frontend.load import load_model
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.channel_moments import ChannelMoments, channel_moments
from edgeq.passes.correct_bias_analytic import CorrectBiasAnalytic
from edgeq.passes.fold_batchnorm import META_KEY, BatchNorm
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.pipeline import pass_name, run_passes
from edgeq.progress import silent
from edgeq.quantizer import calibration_samples, passes_for

from .graphs import input_specs, normal_samples, parse, sqnr_db

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(("lo", "hi"), [(0.0, np.inf), (0.0, 6.0), (-1.0, 1.0), (-np.inf, 0.5), (-np.inf, np.inf)])
def test_moments_of_the_clipped_normal(lo: float, hi: float) -> None:
    mean, deviation = np.array([-2.0, 0.0, 1.0, 5.0]), np.array([1.0, 2.0, 0.5, 3.0])
    sampled = np.clip(mean + deviation * RNG.standard_normal((400_000, 4)), lo, hi)
    found = ChannelMoments(mean, deviation**2).clipped(lo, hi)
    assert found is not None and found.variance is not None
    np.testing.assert_allclose(found.mean, sampled.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(found.variance, sampled.var(axis=0), rtol=0.02, atol=0.002)


def normalized(tail: str, shape: str, **constants: np.ndarray) -> ir.Model:
    """Channels `a` that are normal on normal inputs, with the statistics that folding leaves, and a tail."""
    weight, beta = normal(6, 3, 1, 1), normal(6)
    text = f"g (float[1,3,6,5] x) => (float[{shape}] y) {{ a = Conv(x, w, b)  {tail} }}"
    model = parse(text, {"w": weight, "b": beta, **constants})
    gamma = np.sqrt(np.square(weight).sum(axis=(1, 2, 3)))
    model.graph[0].outputs[0].meta[META_KEY] = BatchNorm(gamma, beta, beta, gamma, 1e-5)
    return model


def test_moments_pass_through_the_network() -> None:
    tail = "r = Relu(a)  s = Add(a, r)  c = Clip(s, lo, hi)  p = GlobalAveragePool(r)  y = Flatten(p)"
    model = normalized(tail, "1,6", lo=np.float32(-1), hi=np.float32(2))
    moments = {str(value.name): found for value, found in channel_moments(model.graph).items()}
    (batch,) = normal_samples(model, 4000).batches(4000)
    seen = run(model, batch, ["r", "s", "y"])
    for name, values in seen.items():
        means = np.moveaxis(values, 2, 0).reshape(6, -1).mean(axis=1)
        np.testing.assert_allclose(moments[name].mean, means, atol=0.05)
    assert moments["c"].variance is not None and moments["y"].variance is None


def quantized(model: ir.Model, passes: list[ir.passes.PassBase], **widths: int) -> ir.Model:
    recipe = [Calibrate(normal_samples(model), "mse"), InsertQdq(**widths), *passes, FreezeWeights()]
    return run_passes(model.clone(), recipe)[0]


@pytest.mark.parametrize(
    ("tail", "shape", "weight"),
    [
        ("r = Relu(a)  y = Conv<pads = [1, 1, 1, 1]>(r, k)", "1,4,6,5", normal(4, 6, 3, 3)),
        (
            "r = Relu(a)  y = Conv<pads = [2, 0, 0, 2], strides = [2, 1], group = 6>(r, k)",
            "1,6,3,5",
            normal(6, 1, 3, 3),
        ),
        ("r = Relu(a)  p = GlobalAveragePool(r)  f = Flatten(p)  y = Gemm(f, k)", "1,4", normal(6, 4)),
    ],
    ids=["padded", "depthwise", "gemm"],
)
def test_the_mean_error_vanishes(tail: str, shape: str, weight: np.ndarray) -> None:
    """Also where padding takes its share, and once is enough."""
    model = normalized(tail, shape, k=weight)
    (batch,) = normal_samples(model, 2000).batches(2000)
    exact = run(model, batch)["y"]

    def off(passes: list[ir.passes.PassBase]) -> float:
        error = run(quantized(model, passes, weight_bits=2), batch)["y"] - exact
        return float(np.abs(np.moveaxis(error, 2, 0).reshape(error.shape[2], -1).mean(axis=1)).max())

    once = off([CorrectBiasAnalytic()])
    assert once < 0.35 * off([])
    assert off([CorrectBiasAnalytic(), CorrectBiasAnalytic()]) == once


def test_declines_where_no_statistics_lead() -> None:
    model = normalized("m = MaxPool<kernel_shape = [2, 2]>(a)  y = Conv(m, k)", "1,4,5,4", k=normal(4, 6, 1, 1))
    reasons: list[str] = []
    prepared, _ = run_passes(model, [Calibrate(normal_samples(model)), InsertQdq()])
    assert not CorrectBiasAnalytic(reasons.append)(prepared).modified
    assert len(reasons) == 2 and all("no statistics of batch normalization lead to its input" in r for r in reasons)


def test_helps_a_keyword_spotter(zoo: Path) -> None:
    """Four-bit weights rounded to nearest, on real data that the correction never saw."""
    model = load_model(zoo / "dscnn_nchw_bn/model.onnx")
    calib, test = (load_samples(zoo / "dscnn_nchw_bn" / f, input_specs(model)) for f in ("calib.npz", "eval.npz"))
    (batch,) = test.first(200).batches(200)
    (exact,) = run(model, batch).values()

    def quality(*passes: ir.passes.PassBase) -> float:
        steps = [Calibrate(calib.first(32), "mse"), InsertQdq(4), *passes, FreezeWeights()]
        return sqnr_db(exact, next(iter(run(run_passes(model.clone(), steps)[0], batch).values())))

    assert quality(CorrectBiasAnalytic()) > quality() + 1.5


def test_runs_where_there_are_no_data(digits: Example) -> None:
    model = load_model(digits.model)
    configs = Config(), Config(calib=digits.calib)
    without, given = (
        [pass_name(step) for step in passes_for(config, calibration_samples(model, config, [], silent))]
        for config in configs
    )
    assert "correct_bias_analytic" in without and not {"correct_bias", "round_per_layer"} & set(without)
    assert "round_per_layer" in given and "correct_bias_analytic" not in given
