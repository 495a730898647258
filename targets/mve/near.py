"""Where the weights of a product come from: their table, or scratch memory with one to a byte, where they are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.mve.intrinsics import BYTES, WORDS, opaque
from edgeq.targets.mve.weights import Weights, packed
from edgeq.targets.portable.fixed_point import bind
from edgeq.targets.portable.tables import pack

if TYPE_CHECKING:
    from tvm.tirx import Buffer

FEW = 16
"""Of the bytes that a layer writes, one per so many may be scratch memory for unpacked weights."""


def bits_used(weight: np.ndarray, bits: int, outputs: int) -> int:
    """Bits of the weights that products read: 8 where they are few beside `outputs` bytes.

    Args:
        weight: (o, elements), as `packed` takes it.
    """
    return 8 if weight.size * FEW <= outputs else bits


@dataclass(frozen=True, eq=False)
class Source:
    """Weights in flash and as products read them.

    Attributes:
        weights: As products read them.
        table: In flash.
        bits: There.
    """

    weights: Weights
    table: Table
    bits: int

    @property
    def words(self) -> int:
        """Of the table."""
        return len(self.table.data)

    @property
    def scratch(self) -> int:
        """Bytes of scratch memory."""
        return 4 * self.words * (8 // self.bits) if self.bits < self.weights.bits else 0

    def unpack(self, table: Buffer, scratch: Buffer) -> None:
        """Code that unpacks them, where that is to be."""
        if self.scratch:
            unpack(table, 0, scratch, self.weights.base, self.bits, self.words // WORDS)

    def read(self, table: Buffer, scratch: Buffer) -> Buffer:
        """What products read."""
        return scratch if self.scratch else table


def source(weight: np.ndarray, bits: int, used: int, pixels: int, base: int) -> Source:
    """Packs weights.

    Args:
        weight: int8 (o, elements), the number of elements a multiple of 16.
        bits: In flash.
        used: By products.
        pixels: Of a block.
        base: Index in the scratch memory, in words, at which unpacked weights begin.
    """
    if used == bits:
        weights = packed(weight, bits, pixels)
        return Source(weights, weights.table, bits)
    weights = packed(weight, used, pixels, base)
    return Source(weights, Table(side_by_side(weights.table.data.view(np.int8), bits), "weights"), bits)


def side_by_side(weights: np.ndarray, bits: int) -> np.ndarray:
    """int32 words in which neighbouring vectors of int8 weights share bytes, the first in the lowest bits."""
    per_byte = 8 // bits
    filled = np.pad(weights, (0, -len(weights) % (per_byte * BYTES)))
    data = pack(filled.reshape(-1, per_byte, BYTES).transpose(0, 2, 1).reshape(-1), bits)
    return data.view("<i4").astype(np.int32)


def unpack(table: Buffer, first: int, memory: Buffer, to: int, bits: int, vectors: int) -> None:
    """Code that moves the `vectors` vectors of words at table[first], made by `side_by_side`, to memory[to]."""
    per_byte = 8 // bits
    with T.serial(opaque(T.int32(vectors))) as i:
        word = bind("packed", T.reinterpret("int8x16", table[T.Ramp(first + i * WORDS, 1, WORDS)]))
        for j in range(per_byte):
            top = T.shift_left(word, T.Broadcast(T.int8(8 - bits * (j + 1)), BYTES))
            field = T.shift_right(top, T.Broadcast(T.int8(8 - bits), BYTES))
            at = to + (i * per_byte + j) * WORDS
            T.buffer_store(memory, T.reinterpret("int32x4", field), [T.Ramp(at, 1, WORDS)])
