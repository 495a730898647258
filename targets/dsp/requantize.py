"""Requantization in two instructions: SMMLAR multiplies, rounds and adds the zero point, SSAT clamps."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.dsp.intrinsics import saturate
from edgeq.targets.portable.fixed_point import Requantizer, bind, int32, int64
from edgeq.targets.portable.tables import Channels

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

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
        info, bits = np.iinfo(self.dtype), self.requantize.hi.bit_length() + 1
        if bits < info.bits and (self.requantize.lo, self.requantize.hi) == (-(1 << bits >> 1), (1 << bits >> 1) - 1):
            return T.Cast(self.dtype, saturate(value, bits))
        value = saturate(value, info.bits)
        if self.requantize.lo > info.min:
            value = T.max(value, self.requantize.lo)
        if self.requantize.hi < info.max:
            value = T.min(value, self.requantize.hi)
        return T.Cast(self.dtype, value)


class SharedChannels(Channels):
    """As `Channels`, with zero points in the table too: operators that differ in nothing else share a kernel.

    Args:
        x_zero_point: Of the input.
    """

    def __init__(self, bias: np.ndarray, requantize: Requantize, x_zero_point: int) -> None:
        super().__init__(bias, requantize)
        pattern = (x_zero_point & 0xFFFF) + (x_zero_point << 16)
        tail = np.array([requantize.zero_point, pattern], np.int32)
        self.table = Table(np.concatenate([self.table.data, tail]), "constants")

    def outside(self, table: Buffer) -> Expr:
        """Two halves of the input's zero point."""
        return table[self.size - 1]

    def requantize(self, form: Requantizer, acc: Expr, table: Buffer, channel: Expr) -> Expr:
        return super().requantize(self._shared(form, table), acc, table, channel)

    def at_hand(self, form: Requantizer, table: Buffer) -> Requantizer:
        return self._shared(form, table)

    def _shared(self, form: Requantizer, table: Buffer) -> Requantizer:
        shared = copy(form)
        shared.zero_point = bind("zero_point", table[self.size - 2])
        return shared


def doubled(requantize: Requantize) -> Requantize:
    """The same with twice the multipliers: they are below 2^30, so they stay int32."""
    negative = requantize.negative
    return replace(
        requantize,
        multiplier=requantize.multiplier * np.int32(2),
        negative=None if negative is None else negative * np.int32(2),
    )


def output_stage(
    bias: np.ndarray,
    requantize: Requantize,
    target: Target,
    dtype: str,
    multiple: int = 1,
    kind: type[SmmulRequantizer] = SmmulRequantizer,
) -> tuple[SmmulRequantizer, Channels]:
    """Requantizer and channel table of an operator, the table filled up to a multiple of `multiple` channels.

    Args:
        bias: int32 (o,).
        dtype: Of the output.
        kind: Of requantization.
    """
    bias, scaled = filled(bias, requantize, multiple)
    return kind(scaled, target, dtype), Channels(bias, scaled)


def filled(bias: np.ndarray, requantize: Requantize, multiple: int) -> tuple[np.ndarray, Requantize]:
    """Biases and doubled multipliers, filled up with zeros to a multiple of `multiple` channels.

    Args:
        bias: int32 (o,).
    """
    scaled = doubled(requantize)
    o = len(bias) + -len(bias) % multiple

    def longer(array: np.ndarray | None) -> np.ndarray | None:
        return array if array is None or len(array) == 1 else np.pad(array, (0, o - len(array)))

    multiplier = longer(scaled.multiplier)
    assert multiplier is not None
    return np.pad(bias, (0, o - len(bias))), replace(scaled, multiplier=multiplier, negative=longer(scaled.negative))
