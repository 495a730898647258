"""Quantization parameters: what they cover, how exactly, and the three terms of a weight scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.quant.qparams import MIN_SCALE, QuantParams, Range, Scheme, weight_scales
from edgeq.quant.scheme import output_params

reals = st.floats(-1e6, 1e6, width=32)
ranges = st.tuples(reals, reals).map(sorted)
positive = st.floats(2.0**-20, 2.0**20, width=32)
small_arrays = st.lists(reals, min_size=1, max_size=20).map(lambda values: np.array(values, np.float32))


@given(ranges, st.sampled_from([4, 8, 16]), st.sampled_from(["asymmetric", "symmetric", "power_of_two"]))
def test_range_is_covered_and_zero_is_exact(ends: list[float], bits: int, scheme: Scheme) -> None:
    lo, hi = ends
    params = QuantParams.from_range(lo, hi, bits=bits, scheme=scheme)
    assert float(np.float32(params.scale)) == params.scale
    assert params.dequantize(np.array(params.zero_point)) == 0.0
    if max(-lo, hi) / params.scale < 0.5:  # too small a range for a scale of its own
        return
    # The zero point is rounded, which may cost half a step at either end.
    half = params.scale * (0.5 + 1e-4)
    assert params.range.lo <= min(lo, 0) + half and max(hi, 0) - half <= params.range.hi


@given(ranges, st.sampled_from([4, 8]))
def test_rounding_error_is_half_a_step(ends: list[float], bits: int) -> None:
    params = QuantParams.from_range(*ends, bits=bits)
    inside = np.linspace(params.range.lo, params.range.hi, 101, dtype=np.float32)
    error = np.abs(params.dequantize(params.quantize(inside)) - inside)
    assert error.max() <= params.scale * 0.5001


@given(ranges)
def test_integers_survive_the_round_trip(ends: list[float]) -> None:
    params = QuantParams.from_range(*ends)
    integers = np.arange(params.qmin, params.qmax + 1, dtype=np.int8)
    np.testing.assert_array_equal(params.quantize(params.dequantize(integers)), integers)


def test_quantize_saturates_and_rounds_halves_to_even() -> None:
    params = QuantParams(0.5, 3)
    np.testing.assert_array_equal(params.quantize(np.array([-1e9, 0.25, 0.75, 1e9])), [-128, 3, 5, 127])


def test_wide_integers() -> None:
    params = QuantParams.from_range(-1.0, 1.0, bits=16, scheme="symmetric")
    assert params.zero_point == 0 and params.quantize(np.array([1.0])).tolist() == [32767]
    assert params.quantize(np.array([1.0])).dtype == np.int16


@given(ranges, st.sampled_from([4, 8, 16]))
def test_power_of_two_scales_are_the_finest_that_cover(ends: list[float], bits: int) -> None:
    params = QuantParams.from_range(*ends, bits=bits, scheme="power_of_two")
    finest = QuantParams.from_range(*ends, bits=bits, scheme="asymmetric" if params.zero_point else "symmetric")
    assert np.frexp(params.scale)[0] == 0.5
    assert finest.scale * (1 - 1e-6) <= params.scale <= 2 * finest.scale
    assert params.zero_point in (0, params.qmin if bits <= 8 else 0)


def test_relu_starts_at_the_smallest_integer() -> None:
    assert QuantParams.from_range(0.0, 6.0) == QuantParams(float(np.float32(6 / 255)), -128)
    assert QuantParams.from_range(2.0, 6.0).zero_point == -128
    assert QuantParams.from_range(-6.0, -2.0).zero_point == 127


@pytest.mark.parametrize("extent", [0.0, 1e-40, 5e-324])
def test_range_without_extent(extent: float) -> None:
    assert QuantParams.from_range(0.0, extent).scale == 1.0
    assert QuantParams.from_range(-extent, 0.0, scheme="symmetric").zero_point == 0


def test_widest_float32_range() -> None:
    limit = float(np.finfo(np.float32).max)
    params = QuantParams.from_range(-limit, limit)
    assert params.range.hi >= 0.99 * limit


def test_outputs_with_a_range_of_their_own() -> None:
    assert output_params("Softmax", 8) == output_params("Sigmoid", 8) == QuantParams(1 / 256, -128)
    assert output_params("Tanh", 8) == QuantParams(1 / 128, 0)
    assert output_params("Softmax", 16) == QuantParams(2.0**-15, 0, 16)
    assert output_params("Conv", 8) is None


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan, 0.1])
def test_scale_must_be_a_positive_float32(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        QuantParams(scale, 0)


def test_zero_point_must_fit() -> None:
    with pytest.raises(ValueError, match="zero point"):
        QuantParams(1.0, 128)


@pytest.mark.parametrize(("lo", "hi"), [(1.0, 0.0), (np.nan, 1.0), (0.0, np.inf)])
def test_range_must_be_finite_and_ordered(lo: float, hi: float) -> None:
    with pytest.raises(ValueError, match="range"):
        Range(lo, hi)


@given(small_arrays, small_arrays, positive, positive, st.sampled_from([4, 8]))
def test_weight_scale_terms(weight: np.ndarray, bias: np.ndarray, sx: float, sy: float, bits: int) -> None:
    """Every weight fits, every bias fits int32 with room, every multiplier is 2^-16 or more; one term is tight."""
    channels = min(len(weight), len(bias))
    weight, bias = weight[:channels, np.newaxis] * np.array([[1.0, -0.5]], np.float32), bias[:channels]
    scales = weight_scales(weight, 0, bits, bias=bias, input_scale=sx, output_scale=sy)
    assert scales.dtype == np.float32 and scales.shape == (channels,)
    wide = scales.astype(np.float64)
    expected = np.maximum(np.abs(weight).max(axis=1) / (2 ** (bits - 1) - 1), np.abs(bias) / (sx * 2.0**29))
    np.testing.assert_allclose(wide, np.maximum(expected, sy / sx / 65536), rtol=1e-6)
    assert (np.rint(np.abs(weight) / scales[:, np.newaxis]) <= 2 ** (bits - 1) - 1).all()
    assert (np.abs(bias) / (sx * wide) <= 2.0**29 * (1 + 1e-6)).all()
    assert (sx * wide / sy >= 2.0**-16 * (1 - 1e-6)).all()


@given(small_arrays, positive, positive)
def test_one_scale_satisfies_all_channels(weight: np.ndarray, sx: float, sy: float) -> None:
    weight = weight[:, np.newaxis]
    options = {"bias": weight[:, 0] * 3, "input_scale": sx, "output_scale": sy}
    single = weight_scales(weight, None, 8, **options)
    assert single.shape == () and single == weight_scales(weight, 0, 8, **options).max()


def test_weight_scale_axis() -> None:
    weight = np.array([[1.0, -127.0], [2.0, 3.0]])
    assert weight_scales(weight, 1, 8).tolist() == [np.float32(2 / 127), 1.0]


def test_zero_weights_have_a_scale() -> None:
    assert weight_scales(np.zeros((2, 3)), 0, 8).tolist() == [MIN_SCALE] * 2
