"""Observers and the methods that choose ranges: against brute force, whatever the order and number of samples."""

from __future__ import annotations

import sys
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.calibrate.histogram import SIDE, Histogram
from edgeq.calibrate.observers import Observer
from edgeq.calibrate.ranges import Method, Width, choose_range, squared_errors
from edgeq.quant.qparams import QuantParams, Range

METHODS = get_args(Method)
magnitudes = st.floats(2.0**-40, 2.0**40, width=32)
numbers = st.just(0.0) | magnitudes | magnitudes.map(lambda x: -x)
samples = st.lists(st.lists(numbers, min_size=6, max_size=6), min_size=1, max_size=8)


def observed(*pieces: np.ndarray) -> Observer:
    seen = Observer()
    for piece in pieces:
        seen.update(np.asarray(piece, np.float32)[None])
    return seen


def normal(count: int = 100_000, scale: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(0).standard_normal(count) * scale).astype(np.float32)


@given(samples)
def test_histogram_does_not_depend_on_the_order(pieces: list[list[float]]) -> None:
    arrays = [np.array(piece, np.float32) for piece in pieces]
    forward, backward = (observed(*order).histogram for order in (arrays, arrays[::-1]))
    assert forward.limit == backward.limit and forward.zeros == backward.zeros
    np.testing.assert_array_equal(forward.counts, backward.counts)
    assert forward.total == 6 * len(pieces)


@given(samples)
def test_values_lie_in_their_bins(pieces: list[list[float]]) -> None:
    values = np.array(pieces, np.float32)
    histogram = observed(values).histogram
    inner = values[values != 0]
    if not inner.size:
        assert histogram.limit == 0 and histogram.zeros == values.size
        return
    edges = (np.arange(2 * SIDE + 1) - SIDE) * (histogram.limit / SIDE)
    expected, _ = np.histogram(inner, edges)
    assert np.abs(np.cumsum(histogram.counts - expected)).max() <= np.isin(inner, edges).sum()
    assert histogram.limit <= max(2 * np.abs(inner).max(), 2.0**-100)


@given(samples, st.sampled_from(METHODS), st.sampled_from([4, 8, 16]))
@settings(deadline=None)
def test_every_method_stays_within_what_was_seen(pieces: list[list[float]], method: Method, bits: int) -> None:
    seen = observed(*map(np.array, pieces))
    for scheme in ("asymmetric", "symmetric", "power_of_two"):
        chosen = choose_range(seen, method, Width(bits, scheme))
        slack = 1e-6 * max(abs(seen.range.lo), abs(seen.range.hi))
        assert seen.range.lo - slack <= chosen.lo <= chosen.hi <= seen.range.hi + slack


@pytest.mark.parametrize("bits", [4, 8, 16])
@pytest.mark.parametrize("limits", [(-3.0, 3.0), (-1.0, 4.0), (0.0, 2.0)])
def test_squared_error_is_that_of_quantizing(bits: int, limits: tuple[float, float]) -> None:
    values = np.maximum(normal(), limits[0] * 2)
    histogram = Histogram()
    histogram.update(values)
    params = QuantParams.from_range(*limits, bits=bits)
    direct = np.square(params.dequantize(params.quantize(values)).astype(np.float64) - values).sum()
    (error,) = squared_errors(histogram, [params])
    assert error == pytest.approx(direct, rel=0.02)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("relu", [False, True])
def test_mse_finds_what_brute_force_finds(bits: int, relu: bool) -> None:
    values = np.concatenate([normal(), np.float32([9.0, -7.0])])
    values = np.maximum(values, 0) if relu else values

    def error(chosen: Range) -> float:
        params = QuantParams.from_range(chosen.lo, chosen.hi, bits=bits)
        return float(np.square(params.dequantize(params.quantize(values)) - values).mean())

    chosen = choose_range(observed(values), "mse", Width(bits))
    best = min(error(Range(-t * (not relu), t)) for t in np.linspace(0.5, 9, 100))
    assert error(chosen) <= 1.02 * best
    assert error(chosen) < (0.5 if bits == 4 else 0.95) * error(observed(values).range)


def test_power_of_two_ranges_are_judged_by_the_scale_they_get() -> None:
    """Just above a power of two, clipping buys a scale half as large."""
    values = np.append(normal() * 0.2, np.float32(1.01))
    chosen = choose_range(observed(values), "mse", Width(8, "power_of_two"))
    assert Width(8, "power_of_two").params(chosen).scale == 2.0**-7


def test_percentile_drops_outliers_on_both_sides() -> None:
    values = np.concatenate([normal(), np.float32([100.0, -100.0])])
    chosen = choose_range(observed(values), "percentile", Width())
    assert 3.5 < chosen.hi < 4.5 and -4.5 < chosen.lo < -3.5
    sparse = np.concatenate([np.zeros(10**6, np.float32), np.ones(10, np.float32)])
    assert choose_range(observed(sparse), "percentile", Width()).hi == 1.0, "zeros need no resolution"


def test_moving_average_follows_the_samples() -> None:
    seen = observed([-1, 1], [-3, 3])
    assert choose_range(seen, "moving_average", Width()) == Range(-2, 2)
    for _ in range(1000):
        seen.update(np.float32([[-5, 5]]))
    assert choose_range(seen, "moving_average", Width()).hi == pytest.approx(5, rel=1e-2)


def test_entropy_clips_a_long_tail() -> None:
    """Laplacian values: the tail costs more resolution than it is worth (Migacz 2017)."""
    values = np.random.default_rng(1).laplace(size=200_000).astype(np.float32)
    chosen = choose_range(observed(values), "entropy", Width(8))
    assert 4 < chosen.hi < values.max()
    narrow = choose_range(observed(values), "entropy", Width(4))
    assert 2 < narrow.hi < 0.8 * chosen.hi


def test_sixteen_bits_clip_nothing_that_matters() -> None:
    seen = observed(normal())
    for method in ("mse", "entropy"):
        assert choose_range(seen, method, Width(16)).hi > 0.95 * seen.range.hi


def test_memory_is_that_of_the_bins() -> None:
    seen = observed(normal(10**6))
    held = sum(sys.getsizeof(array) for array in (seen.histogram.counts, seen.channel_lo, seen.channel_hi))
    assert held < 50_000


def test_clipped_share_and_channels() -> None:
    seen = observed(np.array([[[0.0, 1.0], [0.0, 0.0], [2.0, -2.0]]]))
    assert seen.channel_lo.tolist() == [0, 0, -2] and seen.channel_hi.tolist() == [1, 0, 2]
    assert seen.clipped(Range(-1, 1.5)) == pytest.approx(2 / 6)
