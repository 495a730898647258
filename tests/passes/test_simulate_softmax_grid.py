"""Probabilities of attention on other grids, as float ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend import load_model
from edgeq.passes.simulate_softmax_grid import SimulateSoftmaxGrid
from edgeq.pipeline import run_passes
from edgeq.quant.probability_grids import FAMILIES

from .graphs import normal_samples, parse, sqnr_db

GRAPH = "g (float[1,4,9] x) => (float[1,4,9] y) { p = Softmax<axis=-1>(x)  y = Mul(p, x) }"


@pytest.mark.parametrize("grid", FAMILIES)
def test_probabilities_are_the_nearest_levels(grid: str) -> None:
    model = parse(GRAPH)
    samples = normal_samples(model, scale=3.0)
    changed, _ = run_passes(model.clone(), [SimulateSoftmaxGrid(samples, grid, 3)])
    (feeds,) = samples.batches(32)
    exact = run(model, feeds, ["p"])["p"]
    found = run(changed, feeds, ["p_level"])["p_level"]
    levels = changed.graph.initializers["node0_levels"].const_value.numpy()  # type: ignore[union-attr]
    assert len(levels) == 8 and levels[0] == 0 and levels[-1] <= 1 and (np.diff(levels) > 0).all()
    nearest = levels[np.abs(exact[..., None] - levels).argmin(axis=-1)]
    assert np.abs(np.abs(found - exact) - np.abs(nearest - exact)).max() < 1e-6


def test_the_answer_of_a_network_stays() -> None:
    model = parse("g (float[1,9] x) => (float[1,9] y) { y = Softmax<axis=-1>(x) }")
    assert not SimulateSoftmaxGrid(normal_samples(model))(model).modified


@pytest.mark.parametrize("options", [{"grid": "e4m3"}, {"bits": 9}])
def test_an_unknown_grid_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="2 to 8 bits"):
        SimulateSoftmaxGrid(normal_samples(parse(GRAPH)), **options)  # type: ignore[arg-type]


def test_three_bits_of_a_logarithm_keep_more_of_a_vision_transformer_than_three_even_ones(repo_root: Path) -> None:
    model = load_model(repo_root / "examples/digits/vit.onnx")
    data = repo_root / "calib_data/digits"
    seen, unseen = (load_samples(data / f"{name}.npz", input_specs(model)).first(64) for name in ("calib", "eval"))
    (feeds,) = unseen.batches(64)

    def quality(grid: str) -> float:
        changed: ir.Model = model.clone()
        SimulateSoftmaxGrid(seen, grid, 3)(changed)
        return sqnr_db(run(model, feeds)["logits"], run(changed, feeds)["logits"])

    assert quality("adaptive_log") > quality("even") + 3
