"""Weights as the matrix-multiply kernels read them: of 8, 4 or 2 bits, the latter for two or four channels in one byte.

A byte has the weights of neighbouring channels for one element, the first in the lowest bits. Moved to the top of their
byte, other bits cleared, they are signed bytes 2^4 (or 2^6) times too large, and so are sums; there is no need to move
them back. One VSHL and one VAND unpack 32 weights of 4 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.mve.intrinsics import BYTES, opaque
from edgeq.targets.portable.fixed_point import bind
from edgeq.targets.portable.tables import pack

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.program.ops import Conv2D, Dense

SUM_LIMIT = 1 << 24
"""Of sum |x| |w|: the scaled sums of 2-bit weights stay within 32 bits, whatever the bias."""


def fit_bytes(op: Conv2D | Dense) -> bool:
    """True if sums stay within 32 bits, also those that are too large by the weights' place in their bytes."""
    if op.requantize.right:
        return False
    if op.weight_bits == 8:
        return True
    largest = int(np.abs(op.weight.astype(np.int64)).reshape(len(op.weight), -1).sum(axis=1).max()) << 7
    return largest < SUM_LIMIT


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
        """int8x16 vectors, one per channel of the bytes `word`: their fields moved to the top."""
        if self.bits == 8:
            return [word]
        # Opaque: a constant would be made anew for each use.
        top = T.Broadcast(T.Cast("int8", opaque(T.int32(-(1 << self.scale)))), BYTES)
        shifts = range(self.scale, -1, -self.bits)
        moved = [T.shift_left(word, T.Broadcast(T.int8(shift), BYTES)) if shift else word for shift in shifts]
        return [bind("field", value if i == 0 else T.bitwise_and(value, top)) for i, value in enumerate(moved)]


def packed(weight: np.ndarray, bits: int, vectors: int) -> Weights:
    """Packs weights for blocks of `vectors` vectors, channels filled up to whole blocks with zeros.

    Args:
        weight: int8 (o, elements), the number of elements a multiple of 16.
    """
    per_byte = 8 // bits
    block = vectors * per_byte
    filled = np.pad(weight, ((0, -len(weight) % block), (0, 0)))
    fields = filled.reshape(-1, vectors, per_byte, weight.shape[1] // BYTES, BYTES).transpose(0, 3, 1, 4, 2).reshape(-1)
    data = fields if bits == 8 else pack(fields, bits)
    words = np.ascontiguousarray(data).view("<i4").astype(np.int32)
    return Weights(bits, vectors, Table(words, "weights"))
