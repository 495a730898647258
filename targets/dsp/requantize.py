"""Requantization in two instructions: SMMLAR multiplies, rounds and adds the zero point, SSAT clamps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.targets.dsp.intrinsics import saturate
from edgeq.targets.portable.fixed_point import Requantizer, int32, int64
from edgeq.targets.portable.tables import Channels

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.program.ops import Requantize
    from edgeq.targets.target import Target


def multiply_rounded(a: Expr, m: Expr) -> Expr:
    """(a * m + 2^31) >> 32, which is SMMULR: with twice the multiplier of the contract, its very integers."""
    return int32(T.shift_right(int64(a) * int64(m) + T.int64(1 << 31), T.int64(32)))


class SmmulRequantizer(Requantizer):
    """As `Requantizer`, for doubled multipliers."""

    def __init__(self, requantize: Requantize, target: Target, dtype: str) -> None:
        super().__init__(requantize, target, dtype)
        self.multiply = multiply_rounded

    def limit(self, value: Expr) -> Expr:
        """SSAT to the output's width, and comparisons only for limits that are tighter."""
        info = np.iinfo(self.dtype)
        value = saturate(value, info.bits)
        if self.requantize.lo > info.min:
            value = T.max(value, self.requantize.lo)
        if self.requantize.hi < info.max:
            value = T.min(value, self.requantize.hi)
        return T.Cast(self.dtype, value)


def doubled(requantize: Requantize) -> Requantize:
    """The same with twice the multipliers: they are below 2^30, so they stay int32."""
    negative = requantize.negative
    return replace(
        requantize,
        multiplier=requantize.multiplier * np.int32(2),
        negative=None if negative is None else negative * np.int32(2),
    )


def output_stage(
    bias: np.ndarray, requantize: Requantize, target: Target, dtype: str, multiple: int = 1
) -> tuple[SmmulRequantizer, Channels]:
    """Requantizer and channel table of an operator, the table filled up to a multiple of `multiple` channels.

    Args:
        bias: int32 (o,).
        dtype: Of the output.
    """
    scaled = doubled(requantize)
    extra = -len(bias) % multiple

    def filled(array: np.ndarray | None) -> np.ndarray | None:
        return array if array is None or len(array) == 1 else np.pad(array, (0, extra))

    multiplier, negative = filled(scaled.multiplier), filled(scaled.negative)
    assert multiplier is not None
    channels = Channels(np.pad(bias, (0, extra)), replace(scaled, multiplier=multiplier, negative=negative))
    return SmmulRequantizer(scaled, target, dtype), channels
