"""Requantization of four sums at a time: VQRDMULH rounds as the contract does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.mve.intrinsics import WORDS, first_words, saturated, store, vqrdmulh
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Requantize

LOWEST, HIGHEST = -128, 127
"""Of int8."""


def words_of(value: int) -> Expr:
    """int32x4 of one value."""
    return T.Broadcast(T.int32(value), WORDS)


def scaled(requantize: Requantize, acc: Expr, multiplier: Expr, negative: Expr | None = None) -> Expr:
    """int32x4 whose low bytes are the outputs for int32x4 `acc`, with the multipliers for its signs."""
    a = bind("a", T.shift_left(acc, words_of(requantize.left)) if requantize.left else acc)
    m = multiplier if negative is None else T.Select(a < words_of(0), negative, multiplier)
    value = vqrdmulh(a, m) + words_of(requantize.zero_point)
    if requantize.lo > LOWEST:
        value = T.max(value, words_of(requantize.lo))
    if requantize.hi < HIGHEST:
        value = T.min(value, words_of(requantize.hi))
    within = requantize.lo > LOWEST and requantize.hi < HIGHEST
    return value if within else saturated(bind("value", value))


@dataclass(frozen=True, eq=False)
class Output:
    """Requantization with numbers of each channel, four channels at a time.

    Attributes:
        requantize: Constants of the operator; limits and zero point become immediate values.
        channels: Number of channels.
        dtype: Of the output.
        scale: Bits by which sums are too far left.
        table: int32, for each four channels their biases, multipliers and, where signs matter, negative multipliers.
    """

    requantize: Requantize
    channels: int
    dtype: str
    scale: int
    table: Table

    @property
    def row(self) -> int:
        """Words of the table for four channels."""
        return WORDS * (2 if self.requantize.negative is None else 3)

    @property
    def words(self) -> int:
        """Of the table."""
        return len(self.table.data)

    @property
    def vectors(self) -> int:
        """Groups of four channels."""
        return -(-self.channels // WORDS)

    def numbers(self, table: Buffer, vector: Expr) -> list[Expr]:
        """Biases and multipliers of a group of four channels."""
        return [bind("number", table[T.Ramp(vector * self.row + i, 1, WORDS)]) for i in range(0, self.row, WORDS)]

    def __call__(self, sums: Expr, numbers: list[Expr]) -> Expr:
        """Outputs of four channels, in the low bytes of int32x4."""
        bias, multiplier, *negative = numbers
        acc = T.shift_right(sums, words_of(self.scale)) + bias if self.scale else sums + bias
        return scaled(self.requantize, acc, multiplier, *negative)

    def store(self, y: Buffer, at: Expr, value: Expr, channel: Expr) -> None:
        """Stores outputs from channel `channel` on at y[at]: four, or as many as there are."""
        narrow = T.Cast(f"{self.dtype}x{WORDS}", value)
        if self.channels % WORDS:
            store(y, at, narrow, first_words(self.channels - channel))
        else:
            T.buffer_store(y, narrow, [T.Ramp(at, 1, WORDS)])


def output(bias: np.ndarray, requantize: Requantize, dtype: str, scale: int = 0) -> Output:
    """Requantizer of an operator, its table filled up to whole groups of four channels.

    Args:
        bias: int32 (o,).
    """
    rows = [bias, requantize.multiplier] + ([] if requantize.negative is None else [requantize.negative])
    filled = [np.pad(np.broadcast_to(row, bias.shape), (0, -len(bias) % WORDS)).reshape(-1, WORDS) for row in rows]
    table = np.stack(filled, axis=1).astype(np.int32).reshape(-1)
    return Output(requantize, len(bias), dtype, scale, Table(table, "constants"))
