"""How a network's outputs change with its weights, and rounding that aims at them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.samples import Samples
from edgeq.frontend.load import load_model
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.round_per_layer import RoundPerLayer
from edgeq.passes.sensitivity import sensitivities
from edgeq.pipeline import run_passes

from .graphs import input_specs, normal_samples, parse, sqnr_db


def open_model(model: ir.Model, samples: Samples) -> ir.Model:
    return run_passes(model.clone(), [Calibrate(samples), InsertQdq(4)])[0]


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


CONV_THEN_GEMM = """g (float[1,2,3,3] x) => (float[1,5] y) {
    c = Conv(x, k, b)  p = GlobalAveragePool(c)  f = Flatten(p)  y = Gemm<transB = 1>(f, m) }"""


def test_linear_networks_are_sensitive_by_their_matrices() -> None:
    """An error e of c at all positions adds M e to y, so that G is M^T M; A is the covariance of means of samples."""
    matrix = normal(5, 4)
    model = parse(CONV_THEN_GEMM, {"k": normal(4, 2, 1, 1), "b": normal(4), "m": matrix})
    samples = normal_samples(model, 1500)
    conv, gemm = sensitivities(open_model(model, samples), samples, seed=0).values()
    (batch,) = samples.batches(1500)
    means = next(iter(batch.values())).reshape(1500, 2, 9).mean(axis=2)
    expected = (matrix.T @ matrix, np.eye(5), np.cov(means.T))
    for found, exact in zip((conv.outputs, gemm.outputs, conv.inputs), expected, strict=True):
        np.testing.assert_allclose(found[0] / np.trace(found[0]), exact / np.trace(exact), atol=0.03)


def test_each_group_has_its_own() -> None:
    text = """g (float[1,4,6,6] x) => (float[1,6,2,2] y) {
        d = Conv<group = 4, pads = [1,1,1,1]>(x, w1)  r = Relu(d)  y = Conv<group = 2, strides = [2,2]>(r, w2) }"""
    model = parse(text, {"w1": normal(4, 1, 3, 3), "w2": normal(6, 2, 3, 3)})
    samples = normal_samples(model, 40)
    found = list(sensitivities(open_model(model, samples), samples, seed=0).values())
    assert [(each.outputs.shape, each.inputs.shape) for each in found] == [
        ((4, 1, 1), (4, 9, 9)),
        ((2, 3, 3), (2, 18, 18)),
    ]
    assert all(np.linalg.eigvalsh(part).min() > -1e-3 for each in found for part in (each.outputs, each.inputs))


def test_a_network_that_cannot_be_differentiated_has_none() -> None:
    text = "g (float[1,2,3,3] x) => (float[1,4,3,3] y) { c = Conv(x, k)  s = Sigmoid(c)  y = Conv(s, m) }"
    model = parse(text, {"k": normal(4, 2, 1, 1), "m": normal(4, 4, 1, 1)})
    samples = normal_samples(model, 4)
    assert sensitivities(open_model(model, samples), samples, seed=0) == {}


def test_aiming_at_the_outputs_helps_a_real_network(zoo: Path) -> None:
    model = load_model(zoo / "dscnn/model.onnx")
    calib, fresh = (
        load_samples(zoo / f"dscnn/{name}.npz", input_specs(model)).first(250) for name in ("calib", "eval")
    )
    (batch,) = fresh.batches(250)
    (exact,) = run(model, batch).values()

    def quality(downstream: bool) -> float:
        rounding = RoundPerLayer(calib, thorough=False, downstream=downstream)
        (got,) = run(run_passes(open_model(model, calib), [rounding, FreezeWeights()])[0], batch).values()
        return sqnr_db(exact, got)

    gain = quality(downstream=True) - quality(downstream=False)
    assert gain > 0.2
