"""The layer that was made bad is found, by each number that is meant to find it."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.samples import Samples
from edgeq.passes.annotations import RANGE_KEY
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.quantized_tensors import without_activation_quantizers
from edgeq.passes.recipes import essential, quantize_passes, split_at_quantization
from edgeq.passes.refine_ranges import RefineRanges
from edgeq.quant.qparams import Range
from edgeq.report.attribution import attribute, stages
from edgeq.report.debug import LayerLoss, layer_losses

from .graphs import normal_samples, parse

NET = """g (float[1,16] x) => (float[1,8] y, float[1,8] s) {
    a = Gemm(x, w, c)  r = Relu(a)  b = Gemm(r, v)  t = Relu(b)  f = Flatten(t)  y = Gemm(f, u)  s = Sigmoid(b)}"""


@pytest.fixture
def net() -> ir.Model:
    rng = np.random.default_rng(0)
    shapes = {"w": (16, 16), "c": (16,), "v": (16, 16), "u": (16, 8)}
    model = parse(
        NET.replace("float[1,8] s", "float[1,16] s"),
        {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()},
    )
    for node, name in zip(model.graph, ("first", "relu", "second", "relu2", "flatten", "last", "gate"), strict=True):
        node.name = name
    return model


def losses(net: ir.Model, spoiled: str | None = None, weight_bits: int = 8) -> dict[str, LayerLoss]:
    """By node name, in the order of the report; the range of one tensor is a tenth of what it should be."""
    samples = normal_samples(net, 8)
    quantized = net.clone()
    Calibrate(samples)(quantized)
    for node in quantized.graph:
        if node.name == spoiled:
            found = node.outputs[0].meta[RANGE_KEY]
            node.outputs[0].meta[RANGE_KEY] = Range(found.lo / 10, found.hi / 10)
    InsertQdq(weight_bits)(quantized)
    FreezeWeights()(quantized)
    rows = layer_losses(net, quantized, feeds(samples))
    assert [row.network_sqnr_db for row in rows] == sorted(row.network_sqnr_db for row in rows)
    return {row.name: row for row in rows}


def feeds(samples: Samples) -> dict[str, np.ndarray]:
    return next(iter(samples.batches(8)))


def test_good_layers(net: ir.Model) -> None:
    rows = losses(net)
    assert rows.keys() == {"x", "first", "second", "relu2", "last", "gate"}
    assert rows["x"].op == "Input" and rows["x"].weight_sqnr_db is None
    assert rows["first"].tensor == "r", "an activation that is fused belongs to its layer"
    for row in rows.values():
        assert min(row.own_sqnr_db, row.sqnr_db, row.network_sqnr_db) > 25
        assert row.bits == 8 and (row.clipped == 0 or row.op == "Sigmoid")
        assert row.own_sqnr_db >= row.sqnr_db - 3
    assert all((rows[name].weight_sqnr_db or 0) > 35 for name in ("first", "second", "last"))


def test_clipped_layer_is_the_worst(net: ir.Model) -> None:
    rows = losses(net, spoiled="relu")
    worst = next(iter(rows.values()))
    assert worst.name == "first"
    assert worst.clipped > 0.2 and worst.utilization == pytest.approx(1, abs=0.01)
    assert worst.own_sqnr_db < 10 < rows["second"].own_sqnr_db
    assert rows["second"].sqnr_db < 10, "what comes through the bad layer is bad"


def test_coarse_weights_show_in_weights_and_outputs(net: ir.Model) -> None:
    coarse, fine = losses(net, weight_bits=4), losses(net)
    for name in ("first", "second", "last"):
        assert coarse[name].weight_sqnr_db < fine[name].weight_sqnr_db - 15  # type: ignore[operator]
        assert coarse[name].own_sqnr_db < fine[name].own_sqnr_db - 10


def test_without_a_float_model_weights_count_as_exact(net: ir.Model) -> None:
    samples = normal_samples(net, 8)
    quantized = net.clone()
    for pass_ in (Calibrate(samples), InsertQdq(4), FreezeWeights()):
        pass_(quantized)
    twin = without_activation_quantizers(quantized)
    assert [value.name for value in twin.graph.outputs] == ["y", "s"]
    rows = {row.name: row for row in layer_losses(twin, quantized, feeds(samples))}
    assert rows.keys() == losses(net).keys()
    assert all(row.weight_sqnr_db is None and row.own_sqnr_db > 20 for row in rows.values())


def test_stages_switch_on_one_pass_after_the_other(net: ir.Model) -> None:
    samples = normal_samples(net)
    calibrate, *rest = quantize_passes(samples)
    refine = RefineRanges(samples)
    recipe = [calibrate, refine, *rest]
    found = stages(recipe)
    assert found[0] == ("naive", essential(recipe))
    assert found[-1][1] == recipe
    assert ("+ refine_ranges", [pass_ for pass_ in recipe if pass_ in (*essential(recipe), refine)]) in found
    assert split_at_quantization(recipe)[0] == [calibrate, refine]
    rows = attribute(net, found, lambda model: {"nodes": len(model.graph)})
    assert [row["stage"] for row in rows] == [label for label, _ in found]
    assert all(row["nodes"] > len(net.graph) for row in rows)
