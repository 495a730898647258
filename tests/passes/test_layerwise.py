"""Passes that quantize layer after layer: on graphs of all kinds of layers, and on real networks."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from onnx_ir.passes import PassBase

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.samples import Samples
from edgeq.frontend.load import load_model
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.clip_weights import ClipWeights
from edgeq.passes.correct_bias import CorrectBias
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.layer_data import read_layer
from edgeq.passes.layerwise import LayerwisePass
from edgeq.passes.open_layer import open_layers
from edgeq.passes.open_noise import OpenNoise
from edgeq.passes.round_adaquant import RoundAdaquant
from edgeq.passes.round_adaround import RoundAdaround
from edgeq.passes.round_flexround import RoundFlexround
from edgeq.passes.round_gauss_newton import RoundGaussNewton
from edgeq.passes.round_gptq import RoundGptq
from edgeq.passes.round_per_layer import RoundPerLayer
from edgeq.pipeline import run_passes
from edgeq.reconstruct.layer import Layer

from .graphs import input_specs, normal_samples, parse, sqnr_db

KINDS = (
    CorrectBias,
    RoundGptq,
    RoundAdaround,
    RoundAdaquant,
    RoundFlexround,
    RoundGaussNewton,
    RoundPerLayer,
)


def network() -> ir.Model:
    """A convolution, a depthwise, a grouped and a strided one, a residual Add, MatMul without bias, and Gemm."""
    rng = np.random.default_rng(0)
    shapes = {
        "w1": (8, 3, 3, 3), "b1": (8,), "w2": (8, 1, 3, 3), "w3": (8, 4, 1, 1), "b3": (8,),
        "w4": (6, 8, 3, 3), "b4": (6,), "m": (4, 5), "w5": (7, 30), "b5": (7,),
    }  # fmt: skip
    constants = {
        k: (rng.standard_normal(s) * 2 / np.sqrt(np.prod(s[1:]))).astype(np.float32) for k, s in shapes.items()
    }
    constants["shape"] = np.array([1, 30], np.int64)
    text = """
    g (float[1,3,8,8] x) => (float[1,7] y) {
        a = Conv<pads=[1,1,1,1]>(x, w1, b1)
        ar = Relu(a)
        d = Conv<pads=[1,1,1,1], group=8>(ar, w2)
        dr = Relu(d)
        g = Conv<group=2>(dr, w3, b3)
        s = Add(g, ar)
        sr = Relu(s)
        c = Conv<strides=[2,2], pads=[0,0,1,1]>(sr, w4, b4)
        f = MatMul(c, m)
        z = AveragePool<kernel_shape=[4,1], strides=[4,1]>(f)
        h = Reshape(z, shape)
        y = Gemm<transB=1>(h, w5, b5)
    }"""
    return parse(text, constants)


def quantized(
    model: ir.Model, samples: Samples, *passes: PassBase, bits: int = 4, per_channel: bool = True
) -> ir.Model:
    recipe = [Calibrate(samples), InsertQdq(bits, 8, per_channel), *passes, FreezeWeights()]
    return run_passes(model.clone(), recipe)[0]


def noise(model: ir.Model, other: ir.Model, samples: Samples) -> float:
    (batch,) = samples.batches(len(samples))
    (expected,), (got,) = (run(m, batch).values() for m in (model, other))
    return sqnr_db(expected, got)


@pytest.fixture(scope="module")
def small() -> tuple[ir.Model, Samples]:
    model = network()
    return model, normal_samples(model, 64)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_helps_a_network_of_all_kinds_of_layers(small: tuple[ir.Model, Samples], kind: type[LayerwisePass]) -> None:
    model, samples = small
    plain = noise(model, quantized(model, samples), samples)
    assert noise(model, quantized(model, samples, kind(samples)), samples) > plain + 0.5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_idempotent_and_seeded(small: tuple[ir.Model, Samples], kind: type[LayerwisePass]) -> None:
    model, samples = small
    once = quantized(model, samples, kind(samples))
    twice = quantized(model, samples, kind(samples), kind(samples))
    batch = next(iter(samples.batches(8)))
    np.testing.assert_array_equal(run(once, batch)["y"], run(twice, batch)["y"])


def test_results_lie_on_the_grid(small: tuple[ir.Model, Samples]) -> None:
    model, samples = small
    qdq, _ = run_passes(model.clone(), [Calibrate(samples), InsertQdq(4), RoundGptq(samples)])
    solutions = [layer.present() for layer in open_layers(qdq.graph)]
    for layer, solution in zip(open_layers(qdq.graph), solutions, strict=True):
        stored = layer.node.inputs[1].producer().inputs[0].producer().inputs[0].const_value.numpy()  # type: ignore
        np.testing.assert_allclose(np.sort(solution.weight.ravel()), np.sort(stored.ravel()), rtol=1e-6)
        assert (solution.scale >= layer.floor(solution.bias) * 0.999).all()


@pytest.mark.parametrize("kind", [RoundGptq, RoundGaussNewton, CorrectBias])
def test_biases_are_in_steps_of_the_accumulator(small: tuple[ir.Model, Samples], kind: type[LayerwisePass]) -> None:
    """Coarse ones at 4 bits: later layers make up for what they see, so nothing may be left to `FreezeWeights`."""
    model, samples = small
    recipe = [Calibrate(samples, bits=4), InsertQdq(4, 4), *([] if kind is RoundGptq else [RoundGptq(samples)])]
    qdq, _ = run_passes(model.clone(), [*recipe, kind(samples)])
    biases = [(layer.present().scale * layer.input_scale, layer.present().bias) for layer in open_layers(qdq.graph)]
    for step, bias in biases:
        np.testing.assert_allclose(bias / step, np.rint(bias / step), atol=1e-3)
    assert any(bias.any() for _, bias in biases)


def test_bias_correction_keeps_weights_and_corrects_means(small: tuple[ir.Model, Samples]) -> None:
    model, samples = small
    plain, corrected = (quantized(model, samples, *passes) for passes in ([], [CorrectBias(samples)]))
    for before, after in zip(weights(plain), weights(corrected), strict=True):
        np.testing.assert_array_equal(before, after)
    (batch,) = samples.batches(64)
    (exact,), (got,), (worse,) = (run(m, batch, ["c"]).values() for m in (model, corrected, plain))
    axes = (0, 1, 3, 4)
    off = [np.abs((y - exact).mean(axis=axes)).max() for y in (got, worse)]
    assert off[0] < 0.2 * off[1]


def weights(model: ir.Model) -> list[np.ndarray]:
    dequantizers = [node for node in model.graph if node.op_type == "DequantizeLinear"]
    arrays = [node.inputs[0].const_value for node in dequantizers]
    return [array.numpy() for array in arrays if array is not None and array.dtype == ir.DataType.INT4]


def test_float_network_is_the_first_one_however_many_passes_ran(small: tuple[ir.Model, Samples]) -> None:
    """A pass after another one still aims at the float network, not at what the other left."""
    model, samples = small
    straight = quantized(model, samples, RoundGptq(samples), bits=2)
    detour = quantized(model, samples, ClipWeights(), CorrectBias(samples), RoundGptq(samples), bits=2)
    assert noise(straight, detour, samples) > 100


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_frozen_weights_are_declined(small: tuple[ir.Model, Samples], kind: type[LayerwisePass]) -> None:
    model, samples = small
    with pytest.raises(ir.passes.PreconditionError, match="insert_qdq"):
        kind(samples)(quantized(model, samples))


def test_progress_counts_layers(small: tuple[ir.Model, Samples]) -> None:
    model, samples = small
    told: list[tuple[int, int]] = []
    quantized(model, samples, CorrectBias(samples, progress=lambda done, total: told.append((done, total))))
    assert told == [(i, 6) for i in range(1, 7)]


@pytest.mark.parametrize("per_channel", [True, False], ids=["per channel", "per tensor"])
def test_one_scale_stays_one_scale(small: tuple[ir.Model, Samples], per_channel: bool) -> None:
    model, samples = small
    recipe = [Calibrate(samples), InsertQdq(4, 8, per_channel), ClipWeights(), RoundPerLayer(samples)]
    for layer in open_layers(run_passes(model.clone(), recipe)[0].graph):
        assert layer.shared is not per_channel


def test_clipping_is_idempotent(small: tuple[ir.Model, Samples]) -> None:
    model, samples = small
    _, records = run_passes(model.clone(), [Calibrate(samples), InsertQdq(4), ClipWeights(), ClipWeights()])
    assert [record.changed for record in records] == [True, True, True, False]


Recipe = Callable[[Samples], list[PassBase]]


@pytest.mark.parametrize(
    ("name", "passes", "gain"),
    [
        ("resnet8", lambda s: [CorrectBias(s)], 6.0),
        ("resnet8", lambda s: [ClipWeights()], 1.0),
        ("dscnn", lambda s: [RoundGptq(s)], 4.0),
        ("dscnn", lambda s: [RoundGaussNewton(s, restarts=0)], 4.0),
        ("mnist_mbv2_torch", lambda s: [RoundAdaround(s, steps=50)], 4.0),
        ("mnist_mbv2_torch", lambda s: [RoundAdaquant(s, steps=50)], 4.0),
        ("mnist_mbv2_torch", lambda s: [RoundFlexround(s, steps=50)], 4.0),
        ("mnist_mbv2_torch", lambda s: [RoundPerLayer(s, restarts=2)], 8.0),
        ("autoencoder", lambda s: [RoundPerLayer(s, thorough=False)], 8.0),
    ],
    ids=[
        "correct_bias",
        "clip_weights",
        "round_gptq",
        "round_gauss_newton",
        "round_adaround",
        "round_adaquant",
        "round_flexround",
        "round_per_layer",
        "round_per_layer autoencoder",
    ],
)
def test_helps_a_real_network_at_4_bits(zoo: Path, name: str, passes: Recipe, gain: float) -> None:
    model = load_model(zoo / name / "model.onnx")
    specs = input_specs(model)
    samples = load_samples(zoo / name / "calib.npz", specs).first(64)
    fresh = load_samples(zoo / name / "eval.npz", specs).first(64)
    plain, better = (noise(model, quantized(model, samples, *p), fresh) for p in ([], passes(samples)))
    assert better > plain + gain


def test_of_several_tries_the_quietest_is_kept() -> None:
    model = network()
    samples = normal_samples(model, 64)
    start, _ = run_passes(model.clone(), [Calibrate(samples), InsertQdq(2, 8)])
    (inputs,) = samples.batches(64)
    noise = OpenNoise(start, inputs)
    told: list[tuple[int, int]] = []
    kept, *singles = (start.clone() for _ in range(4))
    RoundPerLayer(samples, thorough=False, tries=3, progress=lambda done, total: told.append((done, total)))(kept)
    for seed, single in enumerate(singles):
        RoundPerLayer(samples, thorough=False, seed=seed)(single)
    noises = [noise(single) for single in singles]
    assert len(set(noises)) > 1 and noise(kept) == min(noises)
    assert told[-1][0] == told[-1][1] == len(told)


def test_noise_of_rounding_is_that_of_the_frozen_model() -> None:
    model = network()
    samples = normal_samples(model, 32)
    start, _ = run_passes(model.clone(), [Calibrate(samples), InsertQdq(4, 8)])
    frozen, _ = run_passes(start.clone(), [FreezeWeights()])
    (inputs,) = samples.batches(32)
    noise, (exact, got) = OpenNoise(start, inputs), (run(m, inputs)["y"] for m in (model, frozen))
    np.testing.assert_allclose(noise.exact[0], exact, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(noise(start), np.square(got - exact).sum() / np.square(exact).sum(), rtol=0.05)


def test_rows_of_one_layer_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a layer take tens of MiB: they are gone when the next layer's are read."""
    alive: list[bool] = []
    rows: list[weakref.ref[np.ndarray]] = []

    def watched(*args: Any) -> Layer:
        alive.extend(row() is not None for row in rows)
        layer = read_layer(*args)
        rows[:] = [weakref.ref(layer.x)]
        return layer

    monkeypatch.setattr("edgeq.passes.layerwise.read_layer", watched)
    model = network()
    samples = normal_samples(model, 16)
    run_passes(model, [Calibrate(samples), InsertQdq(8, 8), RoundGptq(samples)])
    assert len(alive) == 5 and not any(alive)
