"""Fixed-point arithmetic of the contract (docs/NUMERICS.md), in NumPy integers.

Everything that runs edgeq's programs, on any device, computes exactly these integers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MULTIPLIER_BITS = 31
MULTIPLIER_LIMIT = 1 << 30
INT32_LIMIT = 1 << 31


def round_half_up(x: np.ndarray | float) -> np.ndarray:
    """floor(x + 1/2), as int64."""
    return np.floor(np.asarray(x, np.float64) + 0.5).astype(np.int64)


class Multiplier(NamedTuple):
    """Fixed-point form of real multipliers: M ~ m * 2^(left - 31), |m| < 2^30.

    Attributes:
        m: int32, same shape as the real multipliers.
        left: Exact pre-shift of the accumulator that they share.
    """

    m: np.ndarray
    left: int


def to_multiplier(real: np.ndarray) -> Multiplier:
    """Quantizes real multipliers (Jacob et al. 2018, sec. 2.2, eq. 6; with one shift for all channels).

    Args:
        real: float64, any sign; the largest magnitude decides the shared pre-shift.
    """
    real = np.atleast_1d(np.asarray(real, np.float64))
    left = 0
    while (np.abs(round_half_up(real * 2.0 ** (MULTIPLIER_BITS - left))) >= MULTIPLIER_LIMIT).any():
        left += 1
    return Multiplier(round_half_up(real * 2.0 ** (MULTIPLIER_BITS - left)).astype(np.int32), left)


def rounding_shift_right(a: np.ndarray, bits: int) -> np.ndarray:
    """(a + 2^(bits-1)) >> bits: division by a power of two, half up. `bits` = 0 leaves a as it is."""
    return a if bits == 0 else (a + (1 << (bits - 1))) >> bits


def multiply_high(a: np.ndarray, m: np.ndarray) -> np.ndarray:
    """(a * m + 2^30) >> 31 for int32-valued a and |m| < 2^30, as int64."""
    return rounding_shift_right(a.astype(np.int64) * m.astype(np.int64), MULTIPLIER_BITS)


class AddCoefficients(NamedTuple):
    """y = (x1*m1 + x2*m2 + c) >> shift, before the clamp."""

    m1: int
    m2: int
    c: int
    shift: int


def add_coefficients(
    ratio1: float, zero1: int, ratio2: float, zero2: int, zero_y: int, max1: int, max2: int
) -> AddCoefficients:
    """Coefficients of the two-operand addition with the largest shift whose int32 sum is proven not to overflow.

    Args:
        ratio1, ratio2: s1 / sy and s2 / sy; a negative one subtracts.
        zero1, zero2, zero_y: Zero points.
        max1, max2: Largest magnitude that x1 and x2 can have (128 for int8).

    Raises:
        OverflowError: No shift is safe: the output scale is far too small for the inputs.
    """
    for shift in range(30, -1, -1):
        one = 1 << shift
        m1, m2 = int(round_half_up(ratio1 * one)), int(round_half_up(ratio2 * one))
        half = one >> 1
        c = (zero_y << shift) - m1 * zero1 - m2 * zero2 + half
        if abs(m1) * max1 + abs(m2) * max2 + abs(c) < INT32_LIMIT:
            return AddCoefficients(m1, m2, c, shift)
    raise OverflowError(f"scale ratios {ratio1:g} and {ratio2:g} do not fit an int32 addition")
