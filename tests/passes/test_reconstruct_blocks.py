"""Block reconstruction: where it cuts, that it helps, and what it declines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.samples import Samples
from edgeq.frontend.load import load_model
from edgeq.passes.blocks import find_blocks
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.correct_bias import CorrectBias
from edgeq.passes.differentiable import operations
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.open_layer import open_layers
from edgeq.passes.reconstruct_blocks import ReconstructBlocks
from edgeq.pipeline import run_passes
from edgeq.reconstruct.block import Block
from edgeq.reconstruct.refine import sure_gain

from .graphs import input_specs, normal_samples, parse, sqnr_db
from .test_layerwise import network


def start(model: ir.Model, samples: Samples, bits: int = 4) -> ir.Model:
    recipe = [Calibrate(samples), InsertQdq(bits, 8), CorrectBias(samples)]
    return run_passes(model.clone(), recipe)[0]


def outputs(model: ir.Model, samples: Samples) -> np.ndarray:
    (batch,) = samples.batches(len(samples))
    (y,) = run(model, batch).values()
    return y


@pytest.fixture(scope="module")
def small() -> tuple[ir.Model, Samples, ir.Model]:
    model = network()
    samples = normal_samples(model, 128)
    return model, samples, start(model, samples)


@pytest.mark.parametrize(("layers", "sizes"), [(0, [6]), (1, [1, 2, 1, 1, 1]), (3, [3, 3])])
def test_cuts_never_part_a_residual_block(
    small: tuple[ir.Model, Samples, ir.Model], layers: int, sizes: list[int]
) -> None:
    """The shortcut spans a depthwise and a grouped convolution."""
    _, _, quantized = small
    blocks = find_blocks(quantized.graph, layers)
    assert [len(block.layers) for block in blocks] == sizes
    assert all(len(block.inputs) == 1 for block in blocks)


@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize("integer_rate", [0.0, 0.01])
def test_helps_beyond_the_samples(small: tuple[ir.Model, Samples, ir.Model], layers: int, integer_rate: float) -> None:
    model, samples, plain = small
    better = plain.clone()
    assert ReconstructBlocks(samples, layers, epochs=15, rate=3e-3, integer_rate=integer_rate)(better).modified
    fresh = normal_samples(model, 400)
    exact, before, after = (outputs(m, fresh)[128:] for m in (model, plain, better))
    assert sqnr_db(exact, after) > sqnr_db(exact, before) + 0.1


def test_integers_stay_on_the_grid(small: tuple[ir.Model, Samples, ir.Model]) -> None:
    _, samples, plain = small
    better = plain.clone()
    ReconstructBlocks(samples, epochs=3, rate=3e-3)(better)
    for before, after in zip(open_layers(plain.graph), open_layers(better.graph), strict=True):
        np.testing.assert_array_equal(before.present().integers, after.present().integers)
        assert (after.present().scale >= after.floor(before.present().bias) * 0.999).all()


def test_seeded(small: tuple[ir.Model, Samples, ir.Model]) -> None:
    _, samples, plain = small
    twins = plain.clone(), plain.clone()
    for twin in twins:
        ReconstructBlocks(samples, epochs=3, seed=5)(twin)
    np.testing.assert_array_equal(*(outputs(twin, samples) for twin in twins))


def test_what_does_not_help_is_undone(small: tuple[ir.Model, Samples, ir.Model]) -> None:
    """Steps this wild never lead to anything better on the held-out samples."""
    _, samples, plain = small
    same = plain.clone()
    assert not ReconstructBlocks(samples, epochs=2, rate=3.0)(same).modified
    np.testing.assert_array_equal(outputs(plain, samples), outputs(same, samples))


def test_gains_of_single_samples_are_chance() -> None:
    assert sure_gain(np.array([1.0, 0.8, 1.2, 0.9]))
    assert not sure_gain(np.array([1.0, 0.0, 0.0, 0.0, 0.0]))
    assert not sure_gain(np.zeros(5)) and not sure_gain(np.ones(1))


def test_float_block_computes_what_onnxruntime_does(small: tuple[ir.Model, Samples, ir.Model]) -> None:
    model, samples, plain = small
    (block,) = find_blocks(plain.graph, 0)
    batch = next(samples.batches(8))
    parameters = {}
    for layer in open_layers(plain.graph):
        output = layer.node.outputs[0].name
        parameters |= {f"{output}.weight": layer.reference_weight(), f"{output}.bias": layer.reference_bias()}
    x = np.moveaxis(batch["x"], 0, -1)
    y = Block(operations(block.nodes, quantized=False)).run({"x": x} | parameters)
    np.testing.assert_allclose(np.moveaxis(y, -1, 0), run(model, batch)["y"], rtol=1e-3, atol=1e-4)


def test_declines_with_a_reason() -> None:
    weights = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    model = parse(
        "g (float[1,8] x) => (float[1,8] y) { a = Gemm(x, w) s = Sigmoid(a) y = Gemm(s, w2) }",
        {"w": weights, "w2": weights},
    )
    samples = normal_samples(model)
    quantized = start(model, samples)
    told: list[str] = []
    assert not ReconstructBlocks(samples, decline=told.append)(quantized).modified
    assert len(told) == 1 and "Sigmoid" in told[0]


def test_frozen_weights_are_refused(small: tuple[ir.Model, Samples, ir.Model]) -> None:
    _, samples, plain = small
    frozen, _ = run_passes(plain.clone(), [FreezeWeights()])
    with pytest.raises(ir.passes.PreconditionError, match="insert_qdq"):
        ReconstructBlocks(samples)(frozen)


def test_progress_counts_blocks(small: tuple[ir.Model, Samples, ir.Model]) -> None:
    _, samples, plain = small
    told: list[tuple[int, int]] = []
    ReconstructBlocks(samples, 3, epochs=0, progress=lambda done, total: told.append((done, total)))(plain.clone())
    assert told == [(1, 2), (2, 2)]


def test_helps_a_real_network(zoo: Path) -> None:
    folder = zoo / "mnist_mbv2_torch"
    model = load_model(folder / "model.onnx")
    specs = input_specs(model)
    samples = load_samples(folder / "calib.npz", specs).first(64)
    fresh = load_samples(folder / "eval.npz", specs).first(64)
    plain = start(model, samples)
    better = plain.clone()
    ReconstructBlocks(samples, epochs=4)(better)
    exact, before, after = (outputs(m, fresh) for m in (model, plain, better))
    assert sqnr_db(exact, after) > sqnr_db(exact, before) + 0.3
