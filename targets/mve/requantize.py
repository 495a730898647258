"""Requantization of four or eight sums at a time: VQRDMULH rounds as the contract does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm import tirx
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.mve.intrinsics import (
    WORDS,
    add_saturated,
    first_words,
    narrowed,
    saturated,
    saturated_halves,
    store_low_bytes,
    vqrdmulh,
)
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Requantize

EIGHT = 2 * WORDS
"""Channels of two vectors."""

LOWEST, HIGHEST = -128, 127
"""Of int8."""


def words_of(value: int) -> Expr:
    """int32x4 of one value."""
    return T.Broadcast(T.int32(value), WORDS)


def multiplied(requantize: Requantize, acc: Expr, multiplier: Expr, negative: Expr | None = None) -> Expr:
    """int32x4 `acc` times the multipliers for its signs, rounded."""
    a = bind("a", T.shift_left(acc, words_of(requantize.left)) if requantize.left else acc)
    return vqrdmulh(a, multiplier if negative is None else T.Select(a < words_of(0), negative, multiplier))


def scaled(requantize: Requantize, acc: Expr, multiplier: Expr, negative: Expr | None = None) -> Expr:
    """int32x4 whose low bytes are the outputs for int32x4 `acc`."""
    value = multiplied(requantize, acc, multiplier, negative) + words_of(requantize.zero_point)
    return saturated(bind("value", limited(requantize, value, "int32", WORDS)))


def limited(requantize: Requantize, value: Expr, dtype: str, lanes: int) -> Expr:
    """`value` within the limits that are tighter than those of int8."""
    lo, hi = (T.Broadcast(tirx.const(limit, dtype), lanes) for limit in (requantize.lo, requantize.hi))
    value = T.max(value, lo) if requantize.lo > LOWEST else value
    return T.min(value, hi) if requantize.hi < HIGHEST else value


def channel_order(channels: int) -> np.ndarray:
    """The order in which sums are collected: by eights, the even channels of each and then the odd ones, where that
    lets two vectors be narrowed into one."""
    numbers = np.arange(channels)
    return numbers if channels % EIGHT else numbers.reshape(-1, WORDS, 2).transpose(0, 2, 1).reshape(-1)


@dataclass(frozen=True, eq=False)
class Output:
    """Requantization with numbers of each channel, four or eight channels at a time.

    Attributes:
        requantize: Constants of the operator; limits and zero point become immediate values.
        channels: Number of channels.
        scale: Bits by which sums are too far left.
        table: int32, for each four channels in their order biases, multipliers and, where signs matter, negative ones.
    """

    requantize: Requantize
    channels: int
    scale: int
    table: Table

    @property
    def words(self) -> int:
        """Of the table."""
        return len(self.table.data)

    @property
    def lanes(self) -> int:
        """Channels that are requantized at a time."""
        return WORDS if self.channels % EIGHT else EIGHT

    @property
    def vectors(self) -> int:
        """Groups of so many channels."""
        return -(-self.channels // self.lanes)

    def numbers(self, table: Buffer, vector: Expr) -> list[list[Expr]]:
        """Biases and multipliers of a group of channels, by four."""
        row = WORDS * (2 if self.requantize.negative is None else 3)
        at = vector * (self.lanes // WORDS * row)
        starts = range(0, self.lanes // WORDS * row, row)
        return [
            [bind("number", table[T.Ramp(at + start + i, 1, WORDS)]) for i in range(0, row, WORDS)] for start in starts
        ]

    def __call__(self, sums: Buffer, at: Expr, numbers: list[list[Expr]]) -> Expr:
        """A vector whose low bytes are the outputs of a group of channels, whose sums lie at sums[at]."""
        values = []
        for i, (bias, *multipliers) in enumerate(numbers):
            acc = sums[T.Ramp(at + i * WORDS, 1, WORDS)]
            acc = T.shift_right(acc, words_of(self.scale)) + bias if self.scale else acc + bias
            values.append(bind("value", multiplied(self.requantize, acc, *multipliers)))
        return self._narrow(values)

    def _narrow(self, values: list[Expr]) -> Expr:
        """Products moved by the zero point and limited: the low bytes are the outputs."""
        if self.lanes == WORDS:
            value = values[0] + words_of(self.requantize.zero_point)
            return saturated(bind("value", limited(self.requantize, value, "int32", WORDS)))
        halves = bind("halves", narrowed(*values))
        moved = bind("moved", add_saturated(halves, T.Broadcast(T.int16(self.requantize.zero_point), EIGHT)))
        return saturated_halves(bind("value", limited(self.requantize, moved, "int16", EIGHT)))

    def store(self, y: Buffer, at: Expr, value: Expr, channel: Expr) -> None:
        """Stores low bytes of `value` at y[at], from channel `channel` on: a group, or as many as there are."""
        if self.channels % WORDS:
            store_low_bytes(y, at, value, first_words(self.channels - channel))
        else:
            T.buffer_store(y, T.Cast(f"int8x{self.lanes}", value), [T.Ramp(at, 1, self.lanes)])


def output(bias: np.ndarray, requantize: Requantize, scale: int = 0) -> Output:
    """Requantizer of an operator, its table filled up to whole groups of four channels.

    Args:
        bias: int32 (o,).
    """
    rows = [bias, requantize.multiplier] + ([] if requantize.negative is None else [requantize.negative])
    ordered = [np.broadcast_to(row, bias.shape)[channel_order(len(bias))] for row in rows]
    filled = [np.pad(row, (0, -len(bias) % WORDS)).reshape(-1, WORDS) for row in ordered]
    table = np.stack(filled, axis=1).astype(np.int32).reshape(-1)
    return Output(requantize, len(bias), scale, Table(table, "constants"))
