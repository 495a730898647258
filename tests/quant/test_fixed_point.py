"""The fixed-point arithmetic against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.quant.fixed_point import (
    INT32_LIMIT,
    MULTIPLIER_LIMIT,
    add_coefficients,
    multiply_high,
    round_half_up,
    rounding_shift_right,
    to_multiplier,
)

int32 = st.integers(-INT32_LIMIT, INT32_LIMIT - 1)
multiplier = st.integers(-MULTIPLIER_LIMIT + 1, MULTIPLIER_LIMIT - 1)


def half_up(x: Fraction) -> int:
    return floor(x + Fraction(1, 2))


@given(int32, multiplier)
def test_multiply_high_rounds_the_exact_product_half_up(a: int, m: int) -> None:
    assert int(multiply_high(np.array(a), np.array(m))) == half_up(Fraction(a * m, 1 << 31))


@given(st.integers(-(1 << 45), 1 << 45), st.integers(0, 20))
def test_rounding_shift_right_divides_half_up(a: int, bits: int) -> None:
    assert int(rounding_shift_right(np.array(a), bits)) == half_up(Fraction(a, 1 << bits))


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=8))
def test_multipliers_stay_below_their_limit_and_close_to_the_real_ones(real: list[float]) -> None:
    m, left = to_multiplier(np.array(real))
    assert (np.abs(m) < MULTIPLIER_LIMIT).all()
    assert np.abs(m * 2.0 ** (left - 31) - real).max() <= 2.0 ** (left - 32)
    assert left == 0 or np.abs(m).max() >= MULTIPLIER_LIMIT // 2 - 1


@given(
    st.floats(0.01, 20),
    st.integers(-128, 127),
    st.floats(-20, 20),
    st.integers(-128, 127),
    st.integers(-128, 127),
    st.integers(-128, 127),
    st.integers(-128, 127),
)
def test_addition_is_within_one_step_and_never_overflows(
    r1: float, z1: int, r2: float, z2: int, zy: int, x1: int, x2: int
) -> None:
    m1, m2, c, shift = add_coefficients(r1, z1, r2, z2, zy, 128, 128)
    total = x1 * m1 + x2 * m2 + c
    assert -INT32_LIMIT <= total < INT32_LIMIT
    assert abs((total >> shift) - (zy + r1 * (x1 - z1) + r2 * (x2 - z2))) <= 0.51


def test_addition_refuses_scales_that_no_int32_holds() -> None:
    with pytest.raises(OverflowError, match="do not fit"):
        add_coefficients(1e9, 0, 1.0, 0, 0, 128, 128)


def test_round_half_up_differs_from_half_to_even() -> None:
    assert round_half_up(np.array([0.5, 1.5, 2.5, -0.5, -1.5])).tolist() == [1, 2, 3, 0, -1]
