"""Weights with a factor for each block of input channels: better than one scale per channel, and valid ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.specs import input_specs
from edgeq.errors import UnsupportedError, UsageError
from edgeq.frontend import load_model
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.configure import Step, configure
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.recipes import import_passes
from edgeq.passes.round_blocks import RoundBlocks
from edgeq.passes.round_gptq import RoundGptq
from edgeq.pipeline import run_passes
from edgeq.program.builder import build
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Conv2D, Dense

from .graphs import normal_samples, parse, sqnr_db

GRAPH = """g (float[1,16,6,6] x) => (float[1,5] y) {
    a = Conv<pads=[1,1,1,1]>(x, w0, b0)  r = Relu(a)
    d = Conv<pads=[1,1,1,1], group=16>(r, w1)  p = Conv(d, w2, b2)  q = GlobalAveragePool(p)
    f = Flatten(q)  y = Gemm<transB=1>(f, w3, b3) }"""
SHAPES = {"w0": (16, 16, 3, 3), "b0": (16,), "w1": (16, 1, 3, 3), "w2": (24, 16, 1, 1), "b2": (24,)}
RNG = np.random.default_rng(0)
ARRAYS = {n: RNG.standard_normal(s).astype(np.float32) for n, s in {**SHAPES, "w3": (5, 24), "b3": (5,)}.items()}
MODEL = parse(GRAPH, ARRAYS)
SAMPLES = normal_samples(MODEL, 48)


def blockwise(bits: int) -> ir.Model:
    passes = [Calibrate(SAMPLES), InsertQdq(), RoundBlocks(SAMPLES, size=8, bits=bits), FreezeWeights()]
    return run_passes(MODEL.clone(), passes)[0]


def blocks(model: ir.Model) -> dict[str, int]:
    """Block by name of the layer in the integer program."""
    ops = build(model, "net").program.ops
    return {op.name: op.block for op in ops if isinstance(op, Conv2D | Dense)}


@pytest.mark.parametrize("bits", [4, 2])
def test_layers_without_groups_get_blocks(bits: int) -> None:
    model = blockwise(bits)
    assert list(blocks(model).values()) == [8, 0, 8, 8]
    (batch,) = normal_samples(MODEL, 16).batches(16)
    assert sqnr_db(run(MODEL, batch)["y"], run(model, batch)["y"]) > {4: 20, 2: 6}[bits]


def test_a_written_model_gives_the_same_integers_when_it_is_read_again() -> None:
    model = blockwise(4)
    again, _ = run_passes(ir.from_proto(ir.to_proto(model)), import_passes())
    inputs = {"x": np.random.default_rng(1).integers(-128, 128, (4, 1, 16, 6, 6)).astype(np.int8)}
    first, second = (interpret(build(m, "net").program, inputs)["y"] for m in (model, again))
    np.testing.assert_array_equal(first, second)
    assert blocks(again) == blocks(model)


def test_scales_that_are_no_multiples_are_refused() -> None:
    model = blockwise(4)
    for value in model.graph.initializers.values():
        if str(value.name).endswith("_scales"):
            value.const_value = ir.tensor(value.const_value.numpy() * RNG.uniform(1, 2, value.shape).astype(np.float32))
    with pytest.raises(UnsupportedError, match="times one scale per channel") as refused:
        run_passes(ir.from_proto(ir.to_proto(model)), import_passes())
    assert refused.value.fix is not None


@pytest.mark.parametrize("options", [{"bits": 8}, {"size": 1}])
def test_widths_without_kernels_are_errors_of_the_user(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="blocks of"):
        configure([Step(RoundBlocks(SAMPLES), enabled=False)], {"round_blocks": options})


def test_a_real_network_of_narrow_layers_has_no_blocks(zoo: Path) -> None:
    """Convolutions of 1, 8 and 16 input channels: rounded as by `RoundPerLayer`, at their own width."""
    model = load_model(zoo / "mnist_cntk/model.onnx")
    samples = load_samples(zoo / "mnist_cntk/calib.npz", input_specs(model)).first(8)
    passes = [Calibrate(samples), InsertQdq(8), RoundBlocks(samples, size=96), FreezeWeights()]
    rounded, _ = run_passes(model, passes)
    assert not any(node.attributes.get_int("block_size", 0) for node in rounded.graph)


def test_blocks_beat_one_scale_per_channel_on_a_real_network(zoo: Path) -> None:
    """The autoencoder's fully connected layers, at 2 bits, on samples that nothing was fitted to."""
    model = load_model(zoo / "autoencoder/model.onnx")
    samples = load_samples(zoo / "autoencoder/calib.npz", input_specs(model)).first(24)
    (batch,) = load_samples(zoo / "autoencoder/eval.npz", input_specs(model)).first(64).batches(64)
    (reference,) = run(model, batch).values()
    quality = []
    for rounding, bits in ((RoundBlocks(samples, size=32, bits=2), 8), (RoundGptq(samples), 2)):
        passes = [Calibrate(samples), InsertQdq(bits), rounding, FreezeWeights()]
        (answer,) = run(run_passes(model.clone(), passes)[0], batch).values()
        quality.append(sqnr_db(reference, answer))
    assert quality[0] > quality[1] + 0.5
