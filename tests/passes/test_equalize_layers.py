"""Equalization moves scale between channels: the function stays, the predicted noise falls."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx_ir as ir
import pytest
from frontend.graphs import difference, random_feeds, run
from hypothesis import HealthCheck, given, settings

from edgeq.passes.channel_groups import find_groups
from edgeq.passes.channel_scaling import SCALES
from edgeq.passes.channel_statistics import channel_statistics
from edgeq.passes.equalize_layers import EqualizeLayers
from edgeq.passes.fold_batchnorm import META_KEY, FoldBatchnorm
from edgeq.passes.noise_model import NoiseModel, noise_model, observed_values
from edgeq.pipeline import run_passes

from .graphs import normal_samples, parse, quantized, sqnr_db
from .random_networks import build, networks

RNG = np.random.default_rng(0)
SPREAD = 2.0 ** np.array([-6, -2, 2, 6])


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def channels(model: ir.Model, name: str) -> list[int]:
    """Groups of the channels of a value."""
    groups = find_groups(model.graph, SCALES)
    return next(of.tolist() for value, of in groups.of.items() if value.name == name)


def obstacles(model: ir.Model) -> str:
    reasons: list[str] = []
    EqualizeLayers(normal_samples(model), decline=reasons.append)(model.clone())
    return "\n".join(reasons)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks)
@pytest.mark.parametrize("per_channel", [True, False])
def test_any_network_keeps_its_function(per_channel: bool, model: ir.Model) -> None:
    feeds, samples = random_feeds(model), normal_samples(model)
    pass_ = EqualizeLayers(samples, per_channel=per_channel)
    result, _ = run_passes(model.clone(), [pass_])
    assert difference(run(model, feeds), run(result, feeds)) < 1e-4
    _, records = run_passes(result, [pass_])
    assert not records[0].changed


@pytest.mark.parametrize("per_channel", [True, False])
def test_spread_channels_are_rescued(per_channel: bool) -> None:
    model = build(["relu", "residual", "depthwise", "prelu", "concat", "average_pool"], 7)
    samples, feeds = normal_samples(model), random_feeds(model, seed=99)
    equal, _ = run_passes(model.clone(), [EqualizeLayers(samples, per_channel=per_channel)])
    reference = run(model, feeds)[0]
    before, after = (
        sqnr_db(reference, run(quantized(m, samples, per_channel=per_channel), feeds)[0]) for m in (model, equal)
    )
    assert after > before + 3


def test_a_residual_stream_is_one_group_per_channel() -> None:
    model = parse(
        """g (float[1,2,4,4] x) => (float[1,4,4,4] y) {
            a = Conv(x, w0)  b = Conv(a, w1)  s = Add(a, b)  c = Conv(s, w1b)  t = Add(s, c)  y = Conv(t, w1c)
        }""",
        {"w0": normal(4, 2, 1, 1), **{name: normal(4, 4, 1, 1) for name in ("w1", "w1b", "w1c")}},
    )
    assert channels(model, "a") == channels(model, "b") == channels(model, "s") == channels(model, "t")
    assert len(set(channels(model, "a"))) == 4
    assert not set(channels(model, "a")) & {*channels(model, "x"), *channels(model, "y")}


def test_movement_carries_channels_to_their_new_places() -> None:
    model = parse(
        """g (float[1,2,2,2] x) => (float[1,3] y)
        <int64[8] p = {0, 1, 0, 0, 0, 1, 0, 0}> {
            a = Conv(x, w)  b = Conv(x, w2)  c = Concat<axis = 1>(b, a)  d = Pad(c, p)  f = Flatten(d)
            y = Gemm<transB = 1>(f, g)
        }""",
        {"w": normal(2, 2, 1, 1), "w2": normal(1, 2, 1, 1), "g": normal(3, 20)},
    )
    (b,), a = channels(model, "b"), channels(model, "a")
    padded = channels(model, "d")
    assert padded[1:4] == [b, *a]
    flat = channels(model, "f")
    assert flat == [group for group in padded for _ in range(4)]


def test_batchnorm_statistics_follow() -> None:
    gamma, beta = np.abs(normal(4)) + np.float32(1), normal(4)
    model = parse(
        """g (float[1,2,6,6] x) => (float[1,3,6,6] y) {
            c = Conv(x, w)  n = BatchNormalization(c, gamma, beta, mean, var)  r = Relu(n)  y = Conv(r, w2)
        }""",
        {
            "w": normal(4, 2, 1, 1),
            "w2": normal(3, 4, 1, 1) / SPREAD.reshape(1, 4, 1, 1).astype(np.float32),
            **{"gamma": gamma * SPREAD.astype(np.float32), "beta": beta * SPREAD.astype(np.float32)},
            **{"mean": normal(4), "var": np.abs(normal(4)) + np.float32(1)},
        },
    )
    folded, _ = run_passes(model, [FoldBatchnorm()])
    bias = folded.graph[0].inputs[2].const_value.numpy()
    equal, _ = run_passes(folded.clone(), [EqualizeLayers(normal_samples(folded))])
    factors = equal.graph[0].inputs[2].const_value.numpy() / bias
    assert factors.max() / factors.min() > 100
    statistics = equal.graph[0].outputs[0].meta[META_KEY]
    np.testing.assert_allclose(statistics.gamma, gamma * SPREAD * factors, rtol=1e-5)
    np.testing.assert_allclose(statistics.beta, beta * SPREAD * factors, rtol=1e-5)


def clipped(limit: float) -> ir.Model:
    """Channels whose ranges are about 2^-6, 2^-2, 2^2 and 2^6, behind a Clip."""
    spread = SPREAD.reshape(4, 1, 1, 1).astype(np.float32)
    return parse(
        f"""g (float[1,2,6,6] x) => (float[1,3,6,6] y) <float lo = {{0}}, float hi = {{{limit}}}> {{
            c = Conv(x, w)  r = Clip(c, lo, hi)  y = Conv(r, w2)
        }}""",
        {"w": spread * np.ones((4, 2, 1, 1), np.float32), "w2": normal(3, 4, 1, 1) / spread.reshape(1, 4, 1, 1)},
    )


def test_channels_below_a_clip_grow_up_to_it() -> None:
    model = clipped(6.0)
    equal, _ = run_passes(model.clone(), [EqualizeLayers(normal_samples(model))])
    before, after = (m.graph[0].inputs[1].const_value.numpy()[:, 0, 0, 0] for m in (model, equal))
    assert after[0] > 16 * before[0]
    np.testing.assert_array_equal(after[2:], before[2:])
    feeds = random_feeds(model, seed=5)
    assert difference(run(model, feeds), run(equal, feeds)) < 1e-5


def test_a_clip_that_cuts_says_so() -> None:
    assert "Clip 'node1' cuts it off" in obstacles(clipped(6.0))
    assert "Clip" not in obstacles(clipped(1e6))


def test_without_a_margin_no_clipped_channel_moves() -> None:
    model = clipped(6.0)
    assert not EqualizeLayers(normal_samples(model), clip_margin=math.inf)(model).modified


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("a = Conv(x, w)  b = Sigmoid(a)  y = Conv(b, w2)", "Sigmoid 'node1' does not allow it"),
        ("a = Conv(x, w)  b = Add(a, k)  y = Conv(b, w2)", "Add 'node1' does not allow it"),
        ("y = Conv(x, w)", "it is a graph output"),
        ("a = Conv(x, w2)  b = Conv(a, w2)  y = Conv(b, w)", "Conv 'node1' has no constant weights of its own"),
    ],
    ids=["sigmoid", "constant", "output", "shared"],
)
def test_declines_with_a_reason(body: str, reason: str) -> None:
    constants = {"w": normal(2, 2, 1, 1), "w2": normal(2, 2, 1, 1), "k": normal(1, 2, 4, 4)}
    used = {name: array for name, array in constants.items() if name in body}
    model = parse(f"g (float[1,2,4,4] x) => (float[1,2,4,4] y) {{ {body} }}", used)
    assert reason in obstacles(model)


def judge(equalized: float, unchanged: float) -> Callable[[ir.Model], float]:
    """The equalized model is asked about first."""
    losses = iter([equalized, unchanged])
    return lambda model: next(losses)


def test_the_judge_decides_where_little_is_to_gain() -> None:
    model = build(["relu", "conv"], 3)
    samples, reasons = normal_samples(model), list[str]()
    asked = EqualizeLayers(samples, sure_gain=1.0, decline=reasons.append)
    assert not replace(asked, judge=judge(2.0, 1.0))(model).modified
    assert reasons[-1] == "equalization was tried, and did not lower the measured loss"
    assert replace(asked, judge=judge(1.0, 2.0))(model.clone()).modified
    assert replace(asked, judge=judge(2.0, 1.0), sure_gain=0.0)(model).modified


def predicted(model: ir.Model, per_channel: bool) -> tuple[NoiseModel, int]:
    groups = find_groups(model.graph, SCALES)
    statistics = channel_statistics(model, normal_samples(model), observed_values(model.graph, groups))
    return noise_model(model.graph, groups, statistics, 8, 8, per_channel), groups.count


@pytest.mark.parametrize("per_channel", [True, False])
def test_noise_model_is_convex_and_its_gradient_right(per_channel: bool) -> None:
    noise, count = predicted(build(["relu", "residual", "depthwise", "concat", "grouped"], 11), per_channel)
    rng = np.random.default_rng(3)
    for _ in range(20):
        a, b = rng.normal(size=(2, count))
        assert noise((a + b) / 2)[0] <= (noise(a)[0] + noise(b)[0]) / 2 + 1e-9
    point, direction = rng.normal(size=(2, count))
    step = 1e-5 * direction
    slope = (noise(point + step)[0] - noise(point - step)[0]) / 2e-5
    assert slope == pytest.approx(float(noise(point)[1] @ direction), rel=1e-4)
