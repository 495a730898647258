"""Calibration as a pass: what it leaves behind, and that few bits are better off with ranges chosen for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend.load import load_model
from edgeq.passes.annotations import BITS_KEY, OBSERVED_KEY, RANGE_KEY
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.quantization_points import quantized_values
from edgeq.passes.refine_ranges import RefineRanges
from edgeq.passes.widen_activations import WidenActivations, widened

from .graphs import normal_samples, parse, quantized, sqnr_db

NET = """g (float[1,16] x) => (float[1,4] y) {
    a = Gemm(x, w)  r = Relu(a)  b = Gemm(r, v)  s = Relu(b)  y = Gemm(s, u) }"""


@pytest.fixture
def net() -> ir.Model:
    """Both hidden activations have an outlier channel."""
    rng = np.random.default_rng(0)
    arrays = {"w": rng.standard_normal((16, 16)), "v": rng.standard_normal((16, 8)), "u": rng.standard_normal((8, 4))}
    arrays["w"][:, 0] *= 20
    arrays["v"][0] /= 20
    return parse(NET, {name: array.astype(np.float32) for name, array in arrays.items()})


def outputs(model: ir.Model, samples: Samples) -> np.ndarray:
    (batch,) = samples.batches(len(samples))
    return np.concatenate([array.reshape(len(array), -1) for array in FloatRunner(model).run(batch).values()], axis=1)


def test_ranges_and_what_was_observed(net: ir.Model) -> None:
    samples = normal_samples(net)
    Calibrate(samples, "mse", bits=4)(net)
    for value in quantized_values(net.graph):
        chosen, observed = value.meta[RANGE_KEY], value.meta[OBSERVED_KEY]
        assert observed.lo <= chosen.lo <= chosen.hi <= observed.hi
    (inner,) = (value for value in net.graph if value.outputs[0].name == "r")
    assert inner.outputs[0].meta[RANGE_KEY].hi < 0.95 * inner.outputs[0].meta[OBSERVED_KEY].hi


def test_unknown_methods_are_refused(net: ir.Model) -> None:
    with pytest.raises(ValueError, match="minmax, moving_average"):
        Calibrate(normal_samples(net), "magic")  # type: ignore[arg-type]


def test_warnings_reach_the_user(net: ir.Model) -> None:
    heard: list[str] = []
    Calibrate(normal_samples(net, count=3), warn=heard.append)(net)
    assert any("only 3 calibration samples" in text for text in heard)


def sqnr_with(net: ir.Model, samples: Samples, passes: list[ir.passes.InPlacePass], bits: int = 4) -> float:
    copy = net.clone()
    for pass_ in (Calibrate(samples, bits=bits), *passes, InsertQdq(8, bits)):
        pass_(copy)
    return sqnr_db(outputs(net, samples), outputs(copy, samples))


def test_refined_ranges_help(net: ir.Model) -> None:
    samples = normal_samples(net, count=64)
    assert sqnr_with(net, samples, [RefineRanges(samples, 4)]) > sqnr_with(net, samples, []) + 1


def test_refining_needs_ranges(net: ir.Model) -> None:
    with pytest.raises(ir.passes.PreconditionError, match="x, r"):
        RefineRanges(normal_samples(net))(net)


def test_widening_helps_and_is_bounded(net: ir.Model) -> None:
    samples = normal_samples(net, count=64)
    assert sqnr_with(net, samples, [WidenActivations(samples, 4, share=0.5)]) > sqnr_with(net, samples, []) + 3
    copy = net.clone()
    Calibrate(samples, bits=4)(copy)
    WidenActivations(samples, 4, share=0.5)(copy)
    wide = [value.name for value in quantized_values(copy.graph) if value.meta.get(BITS_KEY) == 16]
    assert len(wide) == 1
    assert not WidenActivations(samples, 4, share=0.5)(copy).modified
    assert not WidenActivations(samples, 4, share=0.0)(copy).modified or not any(
        BITS_KEY in value.meta for value in quantized_values(copy.graph)
    )


def test_widening_stops_where_it_gains_nothing() -> None:
    loud, medium, quiet = (ir.Value(name=name) for name in ("loud", "medium", "quiet"))
    noise = {quiet: 0.1, loud: 100.0, medium: 10.0}
    assert widened(noise, 0.5, 3) == [loud, medium, quiet]
    assert widened(noise, 0.5, 1) == [loud]
    assert widened({quiet: 1.0, medium: 1.01, loud: 100.0}, 4.0, 3) == [loud]


@pytest.mark.parametrize("scheme", ["symmetric", "power_of_two"])
def test_schemes_reach_the_graph(net: ir.Model, scheme: str) -> None:
    samples = normal_samples(net)
    Calibrate(samples, "mse", scheme=scheme)(net)
    InsertQdq(scheme=scheme)(net)
    for node in net.graph:
        if node.op_type == "QuantizeLinear" and not node.inputs[0].is_initializer():
            scale, zero = (value.const_value.numpy() for value in node.inputs[1:])
            assert zero in ((0,) if scheme == "symmetric" else (0, -128))
            assert scheme == "symmetric" or np.frexp(scale)[0] == 0.5


def test_mse_keeps_four_bit_activations_alive(zoo: Path) -> None:
    """resnet8 with activations of 4 bits: min-max loses what clipped ranges keep (Nagel et al. 2021, section 3.1)."""
    model = load_model(zoo / "resnet8/model.onnx")
    specs = input_specs(model)
    calib, held = (load_samples(zoo / f"resnet8/{name}.npz", specs) for name in ("calib", "eval"))
    held, calib = held.first(150), calib.first(64)
    reference = outputs(model, held)
    agreement = {}
    for method in ("minmax", "mse"):
        copy = model.clone()
        Calibrate(calib, method, bits=4)(copy)
        InsertQdq(8, 4)(copy)
        agreement[method] = float(np.mean(outputs(copy, held).argmax(1) == reference.argmax(1)))
    assert agreement["mse"] > agreement["minmax"] + 0.05
    assert agreement["mse"] > 0.8


@pytest.mark.parametrize(("kind", "gain"), [(RefineRanges, 2.0), (WidenActivations, 1.0)])
def test_helps_a_keyword_spotter_at_4_bits(
    zoo: Path, kind: type[RefineRanges] | type[WidenActivations], gain: float
) -> None:
    """dscnn with activations of 4 bits, on samples that no pass has seen: ranges by MSE, then better ones."""
    model = load_model(zoo / "dscnn/model.onnx")
    specs = input_specs(model)
    calib, fresh = (load_samples(zoo / f"dscnn/{name}.npz", specs).first(64) for name in ("calib", "eval"))
    sqnr = []
    for passes in ([], [kind(calib, 4)]):
        copy = model.clone()
        for pass_ in (Calibrate(calib, "mse", bits=4), *passes, InsertQdq(8, 4)):
            pass_(copy)
        sqnr.append(sqnr_db(outputs(model, fresh), outputs(copy, fresh)))
    assert sqnr[1] > sqnr[0] + gain


def test_quantized_inputs_and_outputs_stay_bytes(net: ir.Model) -> None:
    result = quantized(net, activation_bits=16)
    widths = {n.outputs[0].name: n.outputs[0].dtype.name for n in result.graph if n.op_type == "QuantizeLinear"}
    assert widths["x_quantized"] == widths["y_quantized"] == "INT8"
    assert widths["r_quantized"] == "INT16"
