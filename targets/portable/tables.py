"""Constant tables of the kernels: per-channel numbers, and weights of eight, four or two bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Requantize
    from edgeq.targets.portable.fixed_point import Requantizer


class Channels:
    """The numbers of each output channel in one int32 table: all biases, then all multipliers, then all negative ones.

    A multiplier that all channels share is an immediate value in the code instead.

    Args:
        bias: int32 (o,).
        requantize: Gives multipliers of length 1 or o.
    """

    def __init__(self, bias: np.ndarray, requantize: Requantize) -> None:
        self.count = len(bias)
        self.per_channel = len(requantize.multiplier) > 1
        self.signed = requantize.negative is not None
        rows = [bias]
        if self.per_channel:
            rows += [m for m in (requantize.multiplier, requantize.negative) if m is not None]
        self.table = Table(np.concatenate(rows).astype(np.int32), "constants")

    @property
    def size(self) -> int:
        """Elements of the table."""
        return len(self.table.data)

    def requantize(self, form: Requantizer, acc: Expr, table: Buffer, channel: Expr) -> Expr:
        """The output element for accumulator `acc` of output channel `channel`."""
        return self.apply(form, acc, self.multipliers(table, channel))

    def at_hand(self, form: Requantizer, table: Buffer) -> Requantizer:
        """The form for `prepared`, with what all channels share read now."""
        return form

    def prepared(self, form: Requantizer, table: Buffer, channel: Expr) -> Callable[[Expr], Expr]:
        """What makes output elements of accumulators of a channel; its numbers are read now."""
        multipliers = [bind("multiplier", m) for m in self.multipliers(table, channel)]
        return lambda acc: self.apply(form, acc, multipliers)

    def multipliers(self, table: Buffer, channel: Expr) -> list[Expr]:
        """What the table holds of the channel's multipliers: none, one, or one and that of negative accumulators."""
        return [table[(1 + i) * self.count + channel] for i in range((1 + self.signed) * self.per_channel)]

    @staticmethod
    def apply(form: Requantizer, acc: Expr, multipliers: list[Expr]) -> Expr:
        """The output element for accumulator `acc`, with the multipliers of its channel."""
        return form(acc, *multipliers) if multipliers else form.scalar(acc)


class Weights:
    """Weights in a kernel's order: one, two or four to a byte, the first in the lowest bits.

    Args:
        ordered: int8, one-dimensional, values within `bits`.
        bits: 8, 4 or 2.
    """

    def __init__(self, ordered: np.ndarray, bits: int) -> None:
        self.bits = bits
        self.table = Table(ordered if bits == 8 else pack(ordered, bits), "weights")

    @property
    def size(self) -> int:
        """Bytes of the table."""
        return len(self.table.data)

    @property
    def dtype(self) -> str:
        """Element type of the table: `int8`, or `uint8` where several weights share a byte."""
        return str(self.table.data.dtype)

    def load(self, table: Buffer, index: Expr) -> Expr:
        """Weight number `index`, as int32."""
        if self.bits == 8:
            return T.Cast("int32", table[index])
        per_byte_log2 = {4: 1, 2: 2}[self.bits]
        byte = T.Cast("int32", table[T.shift_right(index, per_byte_log2)])
        place = T.bitwise_and(index, (1 << per_byte_log2) - 1) * self.bits
        sign = 1 << (self.bits - 1)
        return T.bitwise_xor(T.bitwise_and(T.shift_right(byte, place), 2 * sign - 1), sign) - sign


def pack(values: np.ndarray, bits: int) -> np.ndarray:
    """Packs int8 values of `bits` (4 or 2) bits into uint8, low bits first; a last byte is filled up with zeros."""
    per_byte = 8 // bits
    fields = np.zeros(-(-len(values) // per_byte) * per_byte, np.uint8)
    fields[: len(values)] = values.astype(np.uint8) & ((1 << bits) - 1)
    shifted = fields.reshape(-1, per_byte) << (np.arange(per_byte, dtype=np.uint8) * bits)
    return np.bitwise_or.reduce(shifted, axis=1).astype(np.uint8)
