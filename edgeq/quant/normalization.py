"""Normalization of rows in 32-bit integers (docs/NUMERICS.md, "LayerNormalization")."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgeq.quant.fixed_point import MULTIPLIER_LIMIT, multiply_high, round_half_up
from edgeq.quant.qparams import QuantParams

ROW_LIMIT = 1 << 14
"""Elements of a row, exclusive: n * x must leave room in int32 where x has 16 bits."""
MANTISSA_LOW, MANTISSA_HIGH = 1 << 28, 1 << 30
HALVINGS, DOUBLINGS = 16, 14
"""Steps of a factor of four that bring any v from 1 to 2^62 into the mantissa's range."""
NEWTON_STEPS = 4
FRACTION = 16
"""Fractional bits of a normalized value."""
GUARD = 8
"""Most fractional bits of an output step that are kept until the bias is added."""
SPREAD_LIMIT = 1 << 60
"""Of the spread n^2 * variance, and of epsilon in its units."""
MOST_FRACTION = 9


class Coefficients(NamedTuple):
    """Of `ops.LayerNorm`, by the names of its fields."""

    fraction: int
    epsilon: int
    multiplier: np.ndarray
    bias: np.ndarray
    shift: int


def layer_norm_coefficients(
    gamma: np.ndarray, beta: np.ndarray, epsilon: float, x: QuantParams, y: QuantParams
) -> Coefficients:
    """The constants of a normalization whose rows have the length of `gamma` and `beta`, float64 (n,).

    Raises:
        OverflowError: The output scale is too small for gamma or beta.
    """
    n = len(gamma)
    fraction = spread_fraction(n, x.bits)
    stabilizer = min(round(epsilon * n * n / x.scale**2 * 4.0**fraction), SPREAD_LIMIT)
    for shift in range(GUARD, -1, -1):
        multiplier = gamma / y.scale * 2.0 ** (31 - FRACTION + shift)
        bias = (beta / y.scale + y.zero_point + 0.5) * 2.0**shift - (0.5 if shift == 0 else 0)
        if max(np.abs(multiplier).max(), np.abs(bias).max()) < MULTIPLIER_LIMIT - 1:
            m, b = (round_half_up(array).astype(np.int32) for array in (multiplier, bias))
            return Coefficients(fraction, stabilizer, m, b, shift)
    raise OverflowError("the output scale is too small for the factors of the normalization")


def spread_fraction(n: int, bits: int) -> int:
    """Pairs of fractional bits that the spread of n integers of so many bits has room for."""
    return min(MOST_FRACTION, 30 - (n - 1).bit_length() - (bits - 1))


def normalized(x: np.ndarray, fraction: int, epsilon: int) -> np.ndarray:
    """t = 2^16 * (x - mean) / sqrt(variance + epsilon), for integer rows (..., n): int64, within int32.

    Args:
        epsilon: In units of n^2 * variance / 4^fraction.
    """
    x = x.astype(np.int64)
    d = x.shape[-1] * x - x.sum(axis=-1, keepdims=True)
    v, exponent = _mantissa(((d * x).sum(axis=-1, keepdims=True) << 2 * fraction) + epsilon)
    exponent -= fraction
    root = inverse_root(v)
    left = np.maximum(3 - exponent, 0)
    right = np.maximum(exponent - 3, 0)
    return multiply_high(((d << left) + ((1 << right) >> 1)) >> right, root)


def _mantissa(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """v in 2^28..2^30 and e with the given v ~ mantissa * 4^e; bits that do not fit are dropped."""
    exponent = np.zeros_like(v)
    for _ in range(HALVINGS):
        large = v >= MANTISSA_HIGH
        v, exponent = np.where(large, v >> 2, v), exponent + large
    for _ in range(DOUBLINGS):
        small = v < MANTISSA_LOW
        v, exponent = np.where(small, v << 2, v), exponent - small
    return v, exponent


def inverse_root(v: np.ndarray) -> np.ndarray:
    """2^29 / sqrt(v / 2^30) for 2^28 <= v < 2^30, to 2^-25: Newton's iteration from a straight line."""
    root = 9 * (1 << 27) - 21 * (v >> 5)
    for _ in range(NEWTON_STEPS):
        square = multiply_high(root, root)
        gap = 3 * (1 << 28) - 2 * multiply_high(2 * square, v)
        root = np.minimum(multiply_high(root, gap) * 4, MULTIPLIER_LIMIT - 1)
    return root
