"""Requantization of a vector of sums, one output channel in each lane."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.targets.portable.fixed_point import bind
from edgeq.targets.portable.tables import Channels
from edgeq.targets.vector.product import intrinsic

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D, Requantize
    from edgeq.targets.target import Target
    from edgeq.targets.vector.product import Product

QUAD = 4
"""Words of a Neon register."""


def multiply_rounded(a: Expr, m: Expr, lanes: int) -> Expr:
    """(a * m + 2^30) >> 31 in each lane of int32 vectors, by 64-bit products."""
    wide = f"int64x{lanes}"
    product = T.Cast(wide, a) * T.Cast(wide, m) + T.Broadcast(T.int64(1 << 30), lanes)
    return T.Cast(f"int32x{lanes}", T.shift_right(product, T.Broadcast(T.int64(31), lanes)))


def multiply_rounded_neon(a: Expr, m: Expr, lanes: int) -> Expr:
    """The same by SQRDMULH, four lanes at a time; it saturates only -2^31 * -2^31."""
    parts = []
    for start in range(0, lanes, QUAD):
        a4, m4 = (part(value, start, QUAD) for value in (a, m))
        parts.append(T.call_llvm_pure_intrin(intrinsic("llvm.aarch64.neon.sqrdmulh"), a4, m4, dtype="int32x4"))
    return T.Shuffle(parts, list(map(T.int32, range(lanes))))


def part(vector: Expr, start: int, lanes: int) -> Expr:
    """Neighbouring lanes of a vector."""
    return T.Shuffle([vector], [T.int32(start + i) for i in range(lanes)])


@dataclass(frozen=True, eq=False)
class Output:
    """How sums become outputs.

    Attributes:
        requantize: Constants of the operator; limits and zero point become immediate values.
        channels: Of the output.
        lanes: Channels that are requantized at a time.
        dtype: Of the output.
        table: Biases and multipliers, at least `lanes` of each.
        neon: Whether there is SQRDMULH.
    """

    requantize: Requantize
    channels: int
    lanes: int
    dtype: str
    table: Channels
    neon: bool

    def __call__(self, sums: Expr, numbers: Buffer, channel: Expr) -> Expr:
        """Outputs of `lanes` channels from `channel` on."""
        acc = sums + numbers[T.Ramp(channel, 1, self.lanes)]
        a = bind("a", acc * self._all(1 << self.requantize.left) if self.requantize.left else acc)
        multiplier, *negative = self._multipliers(numbers, channel)
        m = bind("m", T.Select(a < self._all(0), negative[0], multiplier)) if negative else multiplier
        multiply = multiply_rounded_neon if self.neon else multiply_rounded
        value = bind("value", multiply(a, m, self.lanes) + self._all(self.requantize.zero_point))
        limited = T.max(T.min(value, self._all(self.requantize.hi)), self._all(self.requantize.lo))
        return T.Cast(f"{self.dtype}x{self.lanes}", limited)

    def _multipliers(self, numbers: Buffer, channel: Expr) -> list[Expr]:
        if self.table.per_channel:
            starts = range(self.table.count, self.table.size, self.table.count)
            return [numbers[T.Ramp(start + channel, 1, self.lanes)] for start in starts]
        signs = (self.requantize.multiplier, self.requantize.negative)
        return [self._all(int(m[0])) for m in signs if m is not None]

    def _all(self, value: int) -> Expr:
        return T.Broadcast(T.int32(value), self.lanes)

    def store(self, y: Buffer, index: Expr, value: Expr) -> None:
        """Writes the outputs to y[index]: all lanes, or as many as there are channels."""
        if self.channels >= self.lanes:
            T.buffer_store(y, value, [T.Ramp(index, 1, self.lanes)])
        else:
            whole = bind("whole", value)
            for i in range(self.channels):
                T.buffer_store(y, T.Shuffle([whole], [T.int32(i)]), [index + i])


def output(op: Conv2D, product: Product, dtype: str, target: Target) -> Output:
    """The requantization of an operator; its bias makes up for the offset that `product` adds to inputs."""
    requantize, lanes = op.requantize, product.lanes
    added = product.offset * op.weight.astype(np.int64).reshape(len(op.weight), -1).sum(axis=1)
    bias = (op.bias - added).astype(np.int32)
    missing = max(0, lanes - len(bias))
    table = Channels(
        np.pad(bias, (0, missing)),
        replace(
            requantize,
            multiplier=_filled(requantize.multiplier, missing),
            negative=None if requantize.negative is None else _filled(requantize.negative, missing),
        ),
    )
    return Output(requantize, len(bias), lanes, dtype, table, "neon" in target.features)


def _filled(multipliers: np.ndarray, missing: int) -> np.ndarray:
    """One multiplier for all channels, or one for each and for the lanes that have none."""
    return multipliers if len(multipliers) == 1 else np.pad(multipliers, (0, missing))
