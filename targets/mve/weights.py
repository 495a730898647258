"""Weights as the matrix-multiply kernels read them: of 8, 4 or 2 bits, the latter for two or four channels in one byte.

A byte has the weights of neighbouring channels for one element, the first in the lowest bits. As a signed number it is
b = sum (w_f + h) 2^(bits f) - 128, h = 2^(bits - 1): no choice of weights leaves the byte. Moved down by `bits` it is
the same for the channels from the second on, as signed shifts round down; the last channel stands alone. So with
T_f = sum x (b >> bits f) and X = sum x over whatever was read:

    sum x w_f = T_f - 2^bits T_(f + 1) - h X, and T_f for the last one.

Two weights of four bits cost one VSHR and no masks, and X is the same for all channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.mve.intrinsics import BYTES, WORDS
from edgeq.targets.mve.requantize import channel_order, planes
from edgeq.targets.portable.fixed_point import bind
from edgeq.targets.portable.tables import pack

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D, Dense

ELEMENTS = 1 << 15
"""Of a window, at most: then sums of bytes with several weights, times the weights' steps, stay within 31 bits."""


def fit_bytes(op: Conv2D | Dense) -> bool:
    """True if sums stay within 32 bits, also those of several channels."""
    return not op.requantize.right and (op.weight_bits == 8 or op.weight[0].size <= ELEMENTS)


@dataclass(frozen=True, eq=False)
class Weights:
    """Packed weights of a product.

    Attributes:
        bits: 8, 4 or 2.
        vectors: Of weights, for one vector of input: those of a block of channels.
        table: int32 words in the order (block of channels, element / 16, vector, element % 16).
        base: Index of the first one where they are read.
    """

    bits: int
    vectors: int
    table: Table
    base: int = 0

    @property
    def channels(self) -> int:
        """Of a block."""
        return self.vectors * (8 // self.bits)

    def load(self, table: Buffer, at: Expr) -> list[Expr]:
        """int8x16 vectors, one for each channel of a block, from words `at` on."""
        loaded = [table[T.Ramp(self.base + at + i * WORDS, 1, WORDS)] for i in range(self.vectors)]
        packed = [bind("w", T.reinterpret("int8x16", words)) for words in loaded]
        return [field for word in packed for field in self._fields(word)]

    def _fields(self, word: Expr) -> list[Expr]:
        shifts = range(self.bits, 8, self.bits)
        return [word, *(bind("field", T.shift_right(word, T.Broadcast(T.int8(s), BYTES))) for s in shifts)]


@dataclass(frozen=True)
class Offset:
    """Weights of which all are -h: their sum is what sums of narrow weights lack.

    Attributes:
        bits: Of the narrow weights.
    """

    bits: int
    vectors = 0
    channels = 1

    def load(self, table: Buffer, at: Expr) -> list[Expr]:
        """As `Weights.load`, without reading."""
        return [T.Broadcast(T.int8(-(1 << (self.bits - 1))), BYTES)]


def block_vectors(pixels: int, bits: int, channels: int) -> int:
    """Vectors of weights of a block: for two channels, or four of a single pixel, where that wastes none."""
    block = 4 if pixels == 1 and channels % 4 == 0 else planes(bits)
    return block * bits // 8


def packed(weight: np.ndarray, bits: int, pixels: int, base: int = 0) -> Weights:
    """Packs weights for blocks of channels, which are filled up to whole ones with zeros.

    Args:
        weight: int8 (o, elements), the number of elements a multiple of 16.
        pixels: Of a block.
        base: Index of the first word where they are read.
    """
    vectors, per_byte = block_vectors(pixels, bits, len(weight)), 8 // bits
    order = channel_order(len(weight), bits)
    filled = np.pad(weight[order], ((0, -len(weight) % (vectors * per_byte)), (0, 0)))
    fields = filled.reshape(-1, vectors, per_byte, weight.shape[1] // BYTES, BYTES).transpose(0, 3, 1, 4, 2).reshape(-1)
    data = fields if bits == 8 else _signed(pack(fields, bits), bits)
    words = np.ascontiguousarray(data).view("<i4").astype(np.int32)
    return Weights(bits, vectors, Table(words, "weights"), base)


def _signed(data: np.ndarray, bits: int) -> np.ndarray:
    """Bytes of two's complements made what the module says: each moved by h, all by -128."""
    halves = sum(1 << shift for shift in range(bits - 1, 7, bits))
    return data ^ np.uint8(halves)
