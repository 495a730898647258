"""Weights on other grids, as float ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.specs import input_specs
from edgeq.errors import UsageError
from edgeq.frontend import load_model
from edgeq.passes.configure import Step, configure
from edgeq.passes.simulate_grid import SimulateGrid
from edgeq.pipeline import run_passes
from edgeq.quant.grids import FAMILIES

from .graphs import parse, sqnr_db

GRAPH = """g (float[1,6,8,8] x) => (float[1,3] y) {
    a = Conv<pads=[1,1,1,1]>(x, w0, b0)  r = Relu(a)  f = Flatten(r)
    d = Gemm<transB=1>(f, w1)  y = MatMul(d, w2) }"""
RNG = np.random.default_rng(0)
SHAPES = {"w0": (8, 6, 3, 3), "b0": (8,), "w1": (5, 512), "w2": (5, 3)}
ARRAYS = {name: RNG.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("grid", [*FAMILIES, "e2m1"])
def test_every_channel_is_a_scale_times_levels(grid: str) -> None:
    model, _ = run_passes(parse(GRAPH, ARRAYS), [SimulateGrid(grid, 4)])
    for name, axis in (("w0", 0), ("w1", 0), ("w2", 1)):
        weight = model.graph.initializers[name].const_value
        assert weight is not None
        channels = np.moveaxis(weight.numpy(), axis, 0)
        assert all(len(np.unique(channel)) <= 16 for channel in channels)
        assert sqnr_db(ARRAYS[name], weight.numpy()) > 12


def test_a_computed_weight_stays() -> None:
    text = "g (float[1,4] x, float[4,4] v) => (float[1,4] y) { w = Relu(v)  y = MatMul(x, w) }"
    assert not SimulateGrid()(parse(text)).modified


def test_products_of_activations_stay_in_a_real_transformer(repo_root: Path) -> None:
    model = load_model(repo_root / "examples/digits/vit.onnx")
    tables = [node.inputs[0].const_value.numpy() for node in model.graph if node.op_type == "Concat"]  # type: ignore
    SimulateGrid("log2", 3)(model)
    layers = [node for node in model.graph if node.op_type in ("Conv", "Gemm")]
    assert all(len(np.unique(row)) <= 8 for node in layers for row in node.inputs[1].const_value.numpy())  # type: ignore
    kept = [node.inputs[0].const_value.numpy() for node in model.graph if node.op_type == "Concat"]  # type: ignore
    np.testing.assert_array_equal(kept, tables)


@pytest.mark.parametrize("options", [{"grid": "e9m9"}, {"bits": 9}])
def test_an_unknown_grid_is_an_error_of_the_user(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="grid"):
        configure([Step(SimulateGrid(), enabled=False)], {"simulate_grid": options})


def test_minifloats_keep_more_of_a_real_network_than_integers_and_integers_more_than_powers_of_two(zoo: Path) -> None:
    model = load_model(zoo / "mnist_cntk/model.onnx")
    (batch,) = load_samples(zoo / "mnist_cntk/eval.npz", input_specs(model)).first(64).batches(64)
    (reference,) = run(model, batch).values()
    quality = {}
    for grid in ("minifloat", "integer", "log2"):
        simulated = model.clone()
        SimulateGrid(grid, 4)(simulated)
        (answer,) = run(simulated, batch).values()
        quality[grid] = sqnr_db(reference, answer)
    assert quality["minifloat"] > quality["integer"] > quality["log2"] + 1
