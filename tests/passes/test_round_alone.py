"""Layers rounded by themselves: as good as it gets without the layers before, and reusable."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import run
from edgeq.passes.assign_widths import AssignWidths
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.round_alone import RoundAlone
from edgeq.pipeline import run_passes
from edgeq.reconstruct.gptq import Gptq

from .graphs import normal_samples, parse, sqnr_db

GRAPH = """g (float[1,6,8,8] x) => (float[1,5,4,4] y) {
    a = Conv<pads=[1,1,1,1]>(x, w0, b0)  r = Relu(a)
    d = Conv<pads=[1,1,1,1], group=8>(r, w1)  s = Add(d, r)
    y = Conv<strides=[2,2]>(s, w2) }"""
RNG = np.random.default_rng(0)
SHAPES = {"w0": (8, 6, 3, 3), "b0": (8,), "w1": (8, 1, 3, 3), "w2": (5, 8, 1, 1)}
MODEL = parse(GRAPH, {name: RNG.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()})
SAMPLES = normal_samples(MODEL, 64)


def quantized(bits: dict[str, int], rounding: RoundAlone | None) -> ir.Model:
    passes = [AssignWidths(weight_bits=bits), Calibrate(SAMPLES), InsertQdq(4), *([rounding] if rounding else [])]
    return run_passes(MODEL.clone(), [*passes, FreezeWeights()])[0]


def quality(model: ir.Model) -> float:
    (batch,) = normal_samples(MODEL, 32).batches(32)
    return sqnr_db(run(MODEL, batch)["y"], run(model, batch)["y"])


def weights(model: ir.Model) -> list[bytes]:
    return [value.const_value.tobytes() for value in model.graph.initializers.values() if value.const_value is not None]


def test_rounding_alone_beats_rounding_to_nearest() -> None:
    assert quality(quantized({}, RoundAlone(SAMPLES))) > quality(quantized({}, None)) + 1


def test_a_solution_serves_whatever_widths_other_layers_have(monkeypatch: pytest.MonkeyPatch) -> None:
    solved: list[str] = []
    solve = Gptq.solve

    def counting(self: Gptq, layer, *, everything: bool):  # type: ignore[no-untyped-def]
        solved.append(layer.name)
        return solve(self, layer, everything=everything)

    monkeypatch.setattr(Gptq, "solve", counting)
    shared = RoundAlone(SAMPLES)
    quantized({}, shared)
    mixed = quantized({"node0": 2}, shared)
    assert solved == ["node0", "node2", "node4", "node0"]
    assert weights(mixed) == weights(quantized({"node0": 2}, RoundAlone(SAMPLES)))
