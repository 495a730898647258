"""Lookup tables: functions of one int8 value, computed offline in float64 and rounded once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.quant.fixed_point import round_half_up
from edgeq.quant.qparams import QuantParams

SOFTMAX_TABLE_BITS = 16
SOFTMAX_QUOTIENT_BITS = 14


def lookup_table(function: Callable[[np.ndarray], np.ndarray], x: QuantParams, y: QuantParams) -> np.ndarray:
    """table[q + 128] = clamp(zy + round_half_up(f(sx * (q - zx)) / sy)), for q = -128..127.

    Args:
        function: On float64 arrays of shape (256,).

    Returns:
        (256,) int8, or int16 where y has 16 bits.
    """
    real = x.scale * (np.arange(-128, 128, dtype=np.float64) - x.zero_point)
    with np.errstate(over="ignore", invalid="ignore"):
        value = np.nan_to_num(function(real), nan=0.0, posinf=1e30, neginf=-1e30)
    steps = np.clip(value / y.scale + y.zero_point, y.qmin, y.qmax)
    return round_half_up(steps).clip(y.qmin, y.qmax).astype(np.int16 if y.bits == 16 else np.int8)


def softmax_table(scale: float) -> np.ndarray:
    """round(2^16 * exp(-scale * d)) for a distance d = 0..255 below the maximum: int32, (256,)."""
    d = np.arange(256, dtype=np.float64)
    return round_half_up(np.exp(-scale * d) * (1 << SOFTMAX_TABLE_BITS)).astype(np.int32)
