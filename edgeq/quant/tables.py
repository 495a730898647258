"""Lookup tables: functions of one integer, computed offline in float64 and rounded once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.quant.fixed_point import round_half_up, rounding_shift_right
from edgeq.quant.qparams import QuantParams

SEGMENT_BITS = 7
"""log2 of the distance between the nodes of an interpolation table."""
INTERPOLATION_LIMIT = 1 << 22
"""Largest magnitude of a node: 128 of its differences to another still fit int32, beside 128 of itself."""
SOFTMAX_TABLE_BITS = 16
SOFTMAX_QUOTIENT_BITS = 14


def lookup_table(function: Callable[[np.ndarray], np.ndarray], x: QuantParams, y: QuantParams) -> np.ndarray:
    """table[q + 128] = clamp(zy + round_half_up(f(sx * (q - zx)) / sy)), for q = -128..127.

    Args:
        function: On float64 arrays of shape (256,).

    Returns:
        (256,) int8, or int16 where y has 16 bits.
    """
    steps = _steps(function, np.arange(-128, 128), x, y)
    return round_half_up(steps.clip(y.qmin, y.qmax)).astype(np.int16 if y.bits == 16 else np.int8)


def interpolation_table(function: Callable[[np.ndarray], np.ndarray], x: QuantParams, y: QuantParams) -> np.ndarray:
    """The function at every 128th int16 value, in steps of y / 2^(16 - bits of y): nodes of `ops.Interpolate`.

    Nodes go beyond the integers of y, so that lines are clamped where the function leaves them.

    Args:
        function: On float64 arrays of shape (513,).

    Returns:
        (513,) int32.
    """
    steps = _steps(function, np.arange(-(1 << 15), (1 << 15) + 1, 1 << SEGMENT_BITS), x, y) * 2.0 ** (16 - y.bits)
    return round_half_up(steps.clip(-INTERPOLATION_LIMIT, INTERPOLATION_LIMIT)).astype(np.int32)


def _steps(
    function: Callable[[np.ndarray], np.ndarray], integers: np.ndarray, x: QuantParams, y: QuantParams
) -> np.ndarray:
    """function(sx * (q - zx)) / sy + zy, finite, not rounded."""
    with np.errstate(over="ignore", invalid="ignore"):
        value = np.nan_to_num(
            function(x.scale * (integers.astype(np.float64) - x.zero_point)), nan=0.0, posinf=1e30, neginf=-1e30
        )
    return value / y.scale + y.zero_point


def interpolate(x: np.ndarray, table: np.ndarray, shift: int) -> np.ndarray:
    """The straight lines of `interpolation_table` at int16 values x: int64 of the shape of x, not clamped."""
    u = x.astype(np.int64) + (1 << 15)
    k, f = u >> SEGMENT_BITS, u & ((1 << SEGMENT_BITS) - 1)
    nodes = table.astype(np.int64)
    return rounding_shift_right(nodes[k] * ((1 << SEGMENT_BITS) - f) + nodes[k + 1] * f, shift)


def softmax_table(scale: float) -> np.ndarray:
    """round(2^16 * exp(-scale * d)) for a distance d = 0..255 below the maximum: int32, (256,)."""
    d = np.arange(256, dtype=np.float64)
    return round_half_up(np.exp(-scale * d) * (1 << SOFTMAX_TABLE_BITS)).astype(np.int32)
