"""Requantization of vectors of sums: VQRDMULH rounds as the contract does."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from tvm import tirx
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.mve.intrinsics import (
    WORDS,
    add_product,
    add_saturated,
    every_second,
    first_bytes,
    first_halves,
    gather_words,
    held,
    narrowed,
    narrowed_halves,
    opaque,
    saturated,
    saturated_halves,
    store,
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


def planes(bits: int) -> int:
    """Vectors of sums that are narrowed into one: those of channels 0, 2, ... and 1, 3, ...; with four weights in a
    byte one for each of these."""
    return max(2, 8 // bits)


def _lie_apart(channels: int, bits: int) -> bool:
    """Whether sums are collected by planes: those of bytes with one weight may be in any order, in whole groups."""
    return bits == 8 and channels % EIGHT == 0


def channel_order(channels: int, bits: int) -> np.ndarray:
    """The order in which sums are collected."""
    numbers = np.arange(channels)
    return numbers.reshape(-1, WORDS, 2).transpose(0, 2, 1).reshape(-1) if _lie_apart(channels, bits) else numbers


@dataclass(frozen=True, eq=False)
class Output:
    """Requantization with numbers of each channel, eight or sixteen channels at a time.

    Attributes:
        requantize: Constants of the operator; limits and zero point become immediate values.
        channels: Number of channels.
        bits: Of the weights.
        table: int32, for each group of channels and plane of them biases, multipliers and, where signs matter, negative
            ones, of four channels each.
    """

    requantize: Requantize
    channels: int
    bits: int
    table: Table

    @property
    def words(self) -> int:
        """Of the table."""
        return len(self.table.data)

    @property
    def planes(self) -> int:
        """Vectors of sums."""
        return planes(self.bits)

    @property
    def lanes(self) -> int:
        """Channels that are requantized at a time."""
        return WORDS * self.planes

    @property
    def vectors(self) -> int:
        """Groups of so many channels."""
        return -(-self.channels // self.lanes)

    def numbers(self, table: Buffer, vector: Expr) -> list[list[Expr]]:
        """Biases and multipliers of a group of channels, by planes."""
        row = WORDS * (2 if self.requantize.negative is None else 3)
        at = vector * (self.planes * row)
        starts = range(0, self.planes * row, row)
        return [
            [bind("number", table[T.Ramp(at + start + i, 1, WORDS)]) for i in range(0, row, WORDS)] for start in starts
        ]

    def __call__(self, sums: Buffer, at: Expr, offset: Expr | None, numbers: list[list[Expr]]) -> Expr:
        """A vector whose (low) bytes are the outputs of a group of channels, whose sums lie at sums[at].

        Args:
            offset: What the sums of several weights in a byte lack (see `weights`).
        """
        accs = [bind("acc", acc) for acc in self._load(sums, at)]
        if offset is not None:
            # Opaque: LLVM would make two instructions of a product with a power of two.
            step, lacking = opaque(T.int32(-(1 << self.bits))), T.Broadcast(offset, WORDS)
            accs[:-1] = [add_product(acc, above, step) + lacking for acc, above in pairwise(accs)]
        values = [multiplied(self.requantize, acc + bias, *m) for acc, (bias, *m) in zip(accs, numbers, strict=True)]
        return self._narrow([bind("value", value) for value in values])

    def _load(self, sums: Buffer, at: Expr) -> list[Expr]:
        """int32x4 sums of each plane."""
        if _lie_apart(self.channels, self.bits):
            return [sums[T.Ramp(at + i * WORDS, 1, WORDS)] for i in range(2)]
        if self.planes == 2:
            return [every_second(sums, at, i) for i in range(2)]
        offsets = held(*(T.int32(4 * self.planes * i) for i in range(WORDS)))
        return [gather_words(sums, at + i, offsets) for i in range(self.planes)]

    def _narrow(self, values: list[Expr]) -> Expr:
        """Products moved by the zero point and limited: the (low) bytes are the outputs."""
        apart = self.planes // 2
        halves = [self._halves(values[i], values[i + apart]) for i in range(apart)]
        return saturated_halves(halves[0]) if apart == 1 else narrowed_halves(*halves)

    def _halves(self, even: Expr, odd: Expr) -> Expr:
        """int16x8 of the lanes of two vectors by turns."""
        halves = bind("halves", narrowed(even, odd))
        moved = bind("moved", add_saturated(halves, T.Broadcast(T.int16(self.requantize.zero_point), EIGHT)))
        return bind("value", limited(self.requantize, moved, "int16", EIGHT))

    def store(self, y: Buffer, at: Expr, value: Expr, channel: Expr) -> None:
        """Stores outputs at y[at], from channel `channel` on: a group, or as many as there are."""
        left, wide = self.channels - channel, self.lanes > EIGHT
        if self.channels % self.lanes == 0:
            T.buffer_store(y, value if wide else T.Cast("int8x8", value), [T.Ramp(at, 1, self.lanes)])
        elif wide:
            store(y, at, value, first_bytes(left))
        else:
            store_low_bytes(y, at, value, first_halves(left))


def output(bias: np.ndarray, requantize: Requantize, bits: int) -> Output:
    """Requantizer of an operator, its table filled up to whole groups of channels.

    Args:
        bias: int32 (o,).
        bits: Of the weights.
    """
    rows = [bias, requantize.multiplier] + ([] if requantize.negative is None else [requantize.negative])
    apart = planes(bits)
    wide = [np.broadcast_to(row, bias.shape) for row in rows]
    filled = [np.pad(row, (0, -len(bias) % (WORDS * apart))).reshape(-1, WORDS, apart) for row in wide]
    table = np.stack(filled, axis=1).transpose(0, 3, 1, 2).astype(np.int32).reshape(-1)
    return Output(requantize, len(bias), bits, Table(table, "constants"))
