"""int16 inputs times int8 weights: the matrix-multiply kernels without widening, with both channels' weights unpacked.

Sums of two channels cannot share a word here, so that a word of paired weights becomes two: SXTB16 for the even channel
and one with a rotation for the odd one. Sums that need more than 32 bits are taken in pieces that do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.quant.fixed_point import INT32_LIMIT
from edgeq.targets.dsp.block import Product
from edgeq.targets.dsp.intrinsics import forget, load_word, odd_bytes, sxtb16
from edgeq.targets.dsp.memory import Memory
from edgeq.targets.dsp.requantize import SmmulRequantizer
from edgeq.targets.dsp.rows import Rows
from edgeq.targets.portable.fixed_point import bind, int64, local

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D, Dense, Requantize
    from edgeq.targets.dsp.rows import Ring
    from edgeq.targets.target import Target

PIECE = 256
"""Products whose sum surely fits 32 bits: each is below 2^22."""


def sums_in_word(op: Conv2D | Dense) -> bool:
    """True if sums, and the half that rounds them, stay within 32 bits."""
    sums = np.abs(op.weight.reshape(len(op.weight), -1).astype(np.int64)).sum(axis=1) << 15
    half = 1 << op.requantize.right >> 1
    return bool((sums + np.abs(op.bias.astype(np.int64))).max() + half < INT32_LIMIT)


class WideRows(Rows):
    """Rows of int16, which only have to be copied."""

    @property
    def grouped(self) -> bool:
        return False

    def widen(self, x: Buffer, source: Expr, ring: Ring, slot: Expr | int) -> None:
        """Copies the image row that begins at x[source] to word `slot`."""
        c, to = self.image[3], slot * 2 + self.left * self.depth
        forget(ring.words.data)
        if self.depth != c:
            with T.grid(self.columns, c) as (px, ch):
                T.buffer_store(ring.halves, x[source + px * c + ch], [to + px * self.depth + ch])
            return
        words = self.columns * c // 2 if self.left * c % 2 == 0 else 0
        with T.serial(words) as i:
            T.buffer_store(ring.words, load_word(x, source + i * 2), [slot + self.before + i])
        with T.serial(self.columns * c - words * 2) as i:
            T.buffer_store(ring.halves, x[source + words * 2 + i], [to + words * 2 + i])


class ShiftingRequantizer(SmmulRequantizer):
    """Requantization of sums of 32 bits that are shifted first; the half that rounds the shift is in their bias."""

    def __init__(self, requantize: Requantize, target: Target, dtype: str) -> None:
        super().__init__(replace(requantize, right=0), target, dtype)
        self.right = requantize.right

    def __call__(self, acc: Expr, multiplier: Expr, negative: Expr | None = None) -> Expr:
        return super().__call__(T.shift_right(acc, self.right) if self.right else acc, multiplier, negative)


def rounded_bias(op: Conv2D | Dense) -> np.ndarray:
    """Biases with the half that `ShiftingRequantizer` counts on."""
    return op.bias + np.int32(1 << op.requantize.right >> 1)


@dataclass(frozen=True, eq=False)
class LongMemory(Memory):
    """With the sums of all pieces, int64, in the order of the accumulators."""

    totals: Buffer


@dataclass(frozen=True, eq=False)
class WideProduct(Product):
    """Windows of int16 times bytes of weights.

    Attributes:
        long: Whether sums need 64 bits.
    """

    long: bool

    def emit(self, memory: Memory, pixels: int, group: Expr, first: Expr, at: Expr) -> None:
        if self.long:
            memory = LongMemory(**vars(memory), totals=local("totals", self.accumulators, "int64"))
        super().emit(memory, pixels, group, first, at)

    def _begin(self, memory: Memory, pixels: int, group: Expr) -> None:
        for pair in range(self.pairs):
            for i in range(2):
                bias = bind("bias", memory.numbers[(group * self.pairs + pair) * 2 + 1 - i])
                for pixel in range(pixels):
                    at = 2 * (pixel * self.pairs + pair) + i
                    if isinstance(memory, LongMemory):
                        T.buffer_store(memory.totals, int64(bias), [at])
                    T.buffer_store(memory.acc, T.int32(0) if self.long else bias, [at])

    def _products(self, memory: Memory, pixels: int, x: Expr, w: Expr, words: int) -> None:
        assert 2 * words <= PIECE, "its sum may need more than 32 bits"
        super()._products(memory, pixels, x, w, words)
        if isinstance(memory, LongMemory):
            for i in range(2 * self.pairs * pixels):
                T.buffer_store(memory.totals, memory.totals[i] + int64(memory.acc[i]), [i])
                T.buffer_store(memory.acc, T.int32(0), [i])

    @staticmethod
    def _unpacked(packed: list[Expr]) -> tuple[list[Expr], list[Expr]]:
        return [bind("odd", odd_bytes(word)) for word in packed], [bind("even", sxtb16(word)) for word in packed]

    def _sums(self, memory: Memory, block: int, channel: Expr) -> tuple[Expr, Expr]:
        sums = memory.totals if isinstance(memory, LongMemory) else memory.acc
        return sums[2 * block + 1], sums[2 * block]
