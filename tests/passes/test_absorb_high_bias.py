"""Offsets of channels move into the next bias: the function stays, ranges become smaller."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from frontend.graphs import difference, random_feeds, run
from hypothesis import HealthCheck, given, settings

from edgeq.passes.absorb_high_bias import AbsorbHighBias
from edgeq.passes.fold_batchnorm import META_KEY, BatchNorm
from edgeq.pipeline import run_passes

from .graphs import normal_samples, parse, quantized, sqnr_db
from .random_networks import networks

RNG = np.random.default_rng(0)
OFFSET = np.array([0, 50, -50, 400], np.float32)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def chain(middle: str, second: str = "Conv(m, w2)", shape: str = "1,3,6,6") -> ir.Model:
    """Channels at very different levels, in front of `middle`, read by `second`."""
    kernels = {"w2": normal(3, 4, 1, 1), "w3": normal(3, 4, 3, 3), "g": normal(3, 4)}
    return parse(
        f"g (float[1,2,6,6] x) => (float[{shape}] y) {{ a = Conv(x, w, b)  {middle}  y = {second} }}",
        {"w": normal(4, 2, 1, 1), "b": OFFSET, **{n: array for n, array in kernels.items() if n in second}},
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks)
def test_any_network_keeps_its_function(model: ir.Model) -> None:
    feeds, pass_ = random_feeds(model), AbsorbHighBias(normal_samples(model))
    result, _ = run_passes(model.clone(), [pass_])
    assert difference(run(model, feeds), run(result, feeds)) < 1e-4
    _, records = run_passes(result, [pass_])
    assert not records[0].changed


@pytest.mark.parametrize(
    ("middle", "second", "shape"),
    [
        ("m = Identity(a)", "Conv(m, w2)", "1,3,6,6"),
        ("m = Relu(a)", "Conv(m, w2)", "1,3,6,6"),
        ("m = MaxPool<kernel_shape = [2, 2], pads = [1, 1, 0, 0]>(a)", "Conv(m, w2)", "1,3,6,6"),
        ("r = Relu(a)  p = GlobalAveragePool(r)  m = Flatten(p)", "Gemm<transB = 1>(m, g)", "1,3"),
    ],
    ids=["linear", "relu", "max_pool", "average"],
)
def test_offsets_are_absorbed(middle: str, second: str, shape: str) -> None:
    model = chain(middle, second, shape)
    samples, feeds = normal_samples(model), random_feeds(model, seed=9)
    shifted, _ = run_passes(model.clone(), [AbsorbHighBias(samples)])
    assert difference(run(model, feeds), run(shifted, feeds)) < 1e-5
    bias = shifted.graph[0].inputs[2].const_value.numpy()
    assert abs(bias[3]) < 20
    reference = run(model, feeds)[0]
    before, after = (sqnr_db(reference, run(quantized(m, samples), feeds)[0]) for m in (model, shifted))
    assert after > before


def test_relu_keeps_channels_that_it_cuts() -> None:
    model = chain("m = Relu(a)")
    shifted, _ = run_passes(model.clone(), [AbsorbHighBias(normal_samples(model))])
    np.testing.assert_array_equal(shifted.graph[0].inputs[2].const_value.numpy()[[0, 2]], OFFSET[[0, 2]])


def test_batchnorm_statistics_follow() -> None:
    model = chain("m = Identity(a)")
    ones = np.ones(4, np.float32)
    model.graph[0].outputs[0].meta[META_KEY] = BatchNorm(ones, OFFSET, ones, ones, 1e-5)
    shifted, _ = run_passes(model, [AbsorbHighBias(normal_samples(model))])
    beta = shifted.graph[0].outputs[0].meta[META_KEY].beta
    np.testing.assert_allclose(beta, shifted.graph[0].inputs[2].const_value.numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("middle", "second", "reason"),
    [
        ("m = Identity(a)", "Conv<pads = [1, 1, 1, 1]>(m, w3)", "Conv 'node2' pads it"),
        ("m = Add(a, a)", "Conv(m, w2)", "Add 'node1' does not allow it"),
        (
            "m = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(a)",
            "Conv(m, w2)",
            "AveragePool 'node1' pads it",
        ),
    ],
    ids=["padding", "add", "average"],
)
def test_declines_with_a_reason(middle: str, second: str, reason: str) -> None:
    model, reasons = chain(middle, second), list[str]()
    assert not AbsorbHighBias(normal_samples(model), decline=reasons.append)(model).modified
    assert any(reason in line for line in reasons)
