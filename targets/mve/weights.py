"""Weights as the matrix-multiply kernels read them: of 8, 4 or 2 bits, the latter for two or four channels in one byte.

A byte of fields w0, w1 (int4) is b = w0 + 16 w1. As a signed byte b * 16 is w0 * 16, so

    s0 = sum x * (b << 4) = 16 y0          s1 = sum x * b = y0 + 16 y1,

and s1 - (s0 >> 4) = 16 y1: unpacking takes one VSHL for 32 weights, as much as loading them as bytes. With four fields
of 2 bits likewise, each sum is that of the field below, shifted, and 64 times its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.mve.intrinsics import BYTES
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.program.ops import Conv2D, Dense

SUM_LIMIT = 1 << 24
"""Of sum |x| |w|: the scaled sums of 2-bit weights stay within 32 bits, whatever the bias."""


def fit_bytes(op: Conv2D | Dense) -> bool:
    """True if the weights of channels can share bytes, and sums stay within 32 bits."""
    if op.requantize.right:
        return False
    if op.weight_bits == 8:
        return True
    largest = int(np.abs(op.weight.astype(np.int64)).reshape(len(op.weight), -1).sum(axis=1).max()) << 7
    return int(op.weight.min()) > -(1 << (op.weight_bits - 1)) and largest < SUM_LIMIT


@dataclass(frozen=True, eq=False)
class Weights:
    """Packed weights of a product.

    Attributes:
        bits: 8, 4 or 2.
        vectors: Of weights, for one vector of input: those of a block of channels.
        table: int32 words in the order (block of channels, element / 16, vector, element % 16).
    """

    bits: int
    vectors: int
    table: Table

    @property
    def channels(self) -> int:
        """Of a block."""
        return self.vectors * (8 // self.bits)

    @property
    def words(self) -> int:
        """Of the table."""
        return len(self.table.data)

    @property
    def scale(self) -> int:
        """Bits by which sums are too far left."""
        return 8 - self.bits

    def fields(self, word: Expr) -> list[Expr]:
        """int8x16 vectors, one per channel of the bytes `word`: their lowest field moved to the top, and so on."""
        shifts = range(self.scale, 0, -self.bits)
        moved = [T.shift_left(word, T.Broadcast(T.int8(shift), BYTES)) for shift in shifts]
        return [bind("field", value) for value in moved] + [word]

    def separated(self, sums: list[Expr]) -> list[Expr]:
        """The channels' own sums, `scale` bits too far left, out of those over `fields`."""
        per_byte, values = 8 // self.bits, [bind("sum", value) for value in sums]
        return [
            value if i % per_byte == 0 else value - T.shift_right(values[i - 1], self.bits)
            for i, value in enumerate(values)
        ]


def packed(weight: np.ndarray, bits: int, vectors: int) -> Weights:
    """Packs weights for blocks of `vectors` vectors, channels filled up to whole blocks with zeros.

    Args:
        weight: int8 (o, elements), the number of elements a multiple of 16.
    """
    per_byte = 8 // bits
    block = vectors * per_byte
    filled = np.pad(weight, ((0, -len(weight) % block), (0, 0))).astype(np.int64)
    fields = filled.reshape(-1, vectors, per_byte, weight.shape[1] // BYTES, BYTES)
    scaled = fields << (np.arange(per_byte) * bits)[:, None, None]
    ordered = scaled.sum(axis=2).astype(np.int8).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(ordered).reshape(-1).view("<i4").astype(np.int32)
    return Weights(bits, vectors, Table(words, "weights"))
