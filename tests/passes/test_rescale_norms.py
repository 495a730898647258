"""SmoothQuant and RepQ-ViT: scales of channels move from behind LayerNormalization into the layers that read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.specs import input_specs
from edgeq.calibrate.synthetic import samples_of
from edgeq.frontend import load_model
from edgeq.passes.output_noise import OutputNoise
from edgeq.passes.reparameterize_norms import ReparameterizeNorms
from edgeq.passes.rescale_norms import Judge
from edgeq.passes.smooth_norms import SmoothNorms

from .graphs import normal_samples, parse

RNG = np.random.default_rng(0)
GRAPH = """g (float[1,6,8] x) => (float[6,5] y, float[6,4] z) {
    n = LayerNormalization<axis=-1>(x, gamma)  r = Reshape(n, rows)  y = Gemm<transB=1>(r, w, b)
    z = Gemm<transB=1>(r, v) }"""
ARRAYS = {
    "gamma": np.geomspace(0.1, 30, 8, dtype=np.float32),
    "rows": np.array([6, 8]),
    "b": np.ones(5, np.float32),
    **{name: RNG.standard_normal(shape).astype(np.float32) for name, shape in {"w": (5, 8), "v": (4, 8)}.items()},
}
PASSES = pytest.mark.parametrize("kind", [SmoothNorms, ReparameterizeNorms])


def small(text: str = GRAPH) -> tuple[ir.Model, Samples]:
    model = parse(text, ARRAYS)
    return model, normal_samples(model)


def shipped(repo_root: Path, path: str) -> tuple[ir.Model, Samples, Samples]:
    """A network, and two halves of its calibration samples."""
    model = load_model(repo_root / f"examples/{path}.onnx")
    samples = load_samples(repo_root / "calib_data" / path.split("/")[0] / "calib.npz", input_specs(model))
    (arrays,) = samples.batches(len(samples))
    half = len(samples) // 2
    parts = ({name: array[i : i + half, 0] for name, array in arrays.items()} for i in (0, half))
    first, second = (samples_of(part, input_specs(model)) for part in parts)
    return model, first, second


@PASSES
def test_channels_become_alike_and_the_function_stays(kind: type) -> None:
    (model, samples), (before, _) = small(), small()
    assert kind(samples)(model).modified
    (feeds,) = samples.batches(32)
    for name, expected in run(before, feeds).items():
        np.testing.assert_allclose(run(model, feeds)[name], expected, atol=2e-4)
    spread = [np.ptp(np.log(np.ptp(run(m, feeds, ["n"])["n"].reshape(-1, 8), axis=0))) for m in (before, model)]
    assert spread[1] < 0.6 * spread[0]


def test_reparameterization_gives_all_channels_one_range() -> None:
    model, samples = small()
    ReparameterizeNorms(samples)(model)
    (feeds,) = samples.batches(32)
    rows = run(model, feeds, ["n"])["n"].reshape(-1, 8)
    step = np.ptp(rows) / 255
    np.testing.assert_allclose(rows.min(axis=0), rows.min(), atol=2 * step)
    np.testing.assert_allclose(rows.max(axis=0), rows.max(), atol=2 * step)


@PASSES
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("float[6,4] z", "float[6,4] z, float[1,6,8] n", "graph output"),
        ("z = Gemm<transB=1>(r, v)", "q = Relu(n) s = Reshape(q, rows) z = Gemm<transB=1>(s, v)", "Relu"),
        (
            "z = Gemm<transB=1>(r, v)",
            "t = Transpose<perm=[0,2,1]>(n) s = Reshape(t, rows) z = Gemm<transB=1>(s, v)",
            "order",
        ),
        (
            "z = Gemm<transB=1>(r, v)",
            "h = Add(gamma, gamma) k = Mul(x, h) s = Reshape(k, rows) z = Gemm<transB=1>(s, v)",
            "own",
        ),
    ],
    ids=["graph output", "another reader", "another order", "a shared scale"],
)
def test_other_normalizations_stay(kind: type, old: str, new: str, reason: str) -> None:
    model, samples = small(GRAPH.replace(old, new))
    told: list[str] = []
    assert not kind(samples, decline=told.append)(model).modified
    assert len(told) == 1
    assert reason in told[0]


@PASSES
def test_a_normalization_stays_where_the_loss_does_not_fall(kind: type) -> None:
    (model, samples), losses, told = small(), iter((1.0, 0.995)), []
    assert not kind(samples, lambda _: next(losses), decline=told.append)(model).modified
    assert "loss" in told[0]
    np.testing.assert_array_equal(model.graph.initializers["gamma"].const_value.numpy(), ARRAYS["gamma"])  # type: ignore


@PASSES
def test_it_helps_a_vision_transformer_at_w4a8_on_unseen_samples(kind: type, repo_root: Path) -> None:
    model, seen, unseen = shipped(repo_root, "digits/vit")
    judge: Judge = OutputNoise(seen, 4)
    loss, before = OutputNoise(unseen, 4), model.clone()
    assert kind(seen.first(32), judge)(model).modified
    assert loss(model, before) < 0.9 * loss(before)


@PASSES
def test_it_declines_a_text_transformer_whose_sums_read_normalizations(kind: type, repo_root: Path) -> None:
    model, seen, _ = shipped(repo_root, "names/names")
    told: list[str] = []
    assert not kind(seen.first(32), OutputNoise(seen), decline=told.append)(model).modified
    assert len(told) == 5
    assert sum("Add" in reason for reason in told) == 4
