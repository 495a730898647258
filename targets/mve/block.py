"""The inner loops of the matrix-multiply kernels: a block of output pixels times output channels.

Three pixels and two channels take 6 accumulators, of the 7 even registers that VMLADAVA can sum in, and 5 vectors of 8.
Per 96 products: 6 VMLADAVA, 5 VLDR.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.targets.mve.intrinsics import BYTES, WORDS, in_order, opaque, place, vmladava
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.mve.weights import Weights
    from edgeq.targets.mve.windows import Start, Windows

PIXELS = 3
"""Of a block."""

REACH = 256
"""Bytes of weights that loads reach from one pointer: those of an unrolled step."""


REPEATED = 8
"""One of so many pixels may be computed twice to save the code of a smaller block, two of four times as many."""


def blocks(total: int, pixels: int) -> tuple[int, int]:
    """How many blocks of `pixels` make `total` pixels, and how many pixels are left for a smaller block of its own.

    Where few pixels are computed twice, none are left: the last block begins earlier.
    """
    whole, rest = divmod(total, pixels)
    if rest and whole and (pixels - rest) ** 2 * REPEATED <= total:
        return whole + 1, 0
    return whole, rest


@dataclass(frozen=True, eq=False)
class Memory:
    """What the code of a block works on.

    Attributes:
        x: Input, int8.
        weights: Packed weights, int32 words.
        acc: Accumulators, [pixel][channel of the block].
        sums: Results, [pixel][channel of the group].
    """

    x: Buffer
    weights: Buffer
    acc: Buffer
    sums: Buffer


def block_vectors(pixels: int, bits: int, channels: int) -> int:
    """Vectors of weights of a block: more for a single pixel, where that wastes no channel."""
    per_byte = 8 // bits
    most = 4 if pixels == 1 else 2
    return next(v for v in (most, 2, 1) if v * per_byte <= most and (v == 1 or channels % (v * per_byte) == 0))


@dataclass(frozen=True, eq=False)
class Product:
    """Windows times packed weights.

    Attributes:
        group: Channels whose sums are collected before they are requantized.
    """

    windows: Windows
    weights: Weights
    group: int

    def emit(self, memory: Memory, pixels: int, start: Start, block: Expr, channel: Expr) -> None:
        """Code for a block: sums of neighbouring pixels and the channels of one block of weights.

        Args:
            start: Of `Windows.begin`.
            block: Number of the block of weights.
            channel: Number of its first channel within the group.
        """
        count = self.weights.channels
        for i in range(pixels * count):
            T.buffer_store(memory.acc, T.int32(0), [i])
        self._multiply(memory, pixels, start, block)
        for pixel in range(pixels):
            for i in range(count):
                T.buffer_store(memory.sums, memory.acc[pixel * count + i], [pixel * self.group + channel + i])

    def _multiply(self, memory: Memory, pixels: int, start: Start, block: Expr) -> None:
        windows, per_vector = self.windows, self.weights.vectors * WORDS
        vectors, whole = windows.vectors, windows.whole
        w = block * (windows.segments * vectors * per_vector)
        for i, loaded in enumerate(start.vectors):
            self._accumulate(memory, w + i * per_vector, loaded)
        if start.vectors:
            return
        if windows.straight(pixels):
            for i, x in enumerate(start.segments):
                self._steps(memory, pixels, x, w + i * vectors * per_vector, range(vectors))
            return
        most = REACH // (BYTES * self.weights.vectors)
        size = max(u for u in range(1, most + 1) if whole % u == 0)
        with T.serial(opaque(T.int32(windows.segments))) as segment:
            x = bind("x_segment", start.segments[0] + segment * windows.pitch)
            at = bind("w_segment", w + segment * vectors * per_vector)
            with T.serial(whole // size) as i:
                x_step = bind("x_step", place(x + i * (size * BYTES)))
                w_step = bind("w_step", at + i * (size * per_vector))
                self._steps(memory, pixels, x_step, w_step, range(size))
            self._steps(memory, pixels, x + whole * BYTES, at + whole * per_vector, range(whole, vectors))

    def _steps(self, memory: Memory, pixels: int, x: Expr, w: Expr, numbers: range) -> None:
        """Neighbouring vectors of each pixel, with their numbers in the segment."""
        for i, number in enumerate(numbers):
            at = [x + pixel * self.windows.step + i * BYTES for pixel in range(pixels)]
            loads = (self.windows.load(memory.x, place, number) for place in at)
            self._accumulate(memory, w + i * self.weights.vectors * WORDS, loads)

    def _accumulate(self, memory: Memory, w: Expr, vectors: Iterable[Expr]) -> None:
        """Adds the products of a vector of each pixel with the weights of the block."""
        loaded = [memory.weights[T.Ramp(w + i * WORDS, 1, WORDS)] for i in range(self.weights.vectors)]
        packed = [bind("w", T.reinterpret("int8x16", words)) for words in loaded]
        fields = [field for word in packed for field in self.weights.fields(word)]
        for pixel, vector in enumerate(vectors):
            for i, field in enumerate(fields, pixel * len(fields)):
                T.buffer_store(memory.acc, vmladava(memory.acc[i], vector, field), [i])
            in_order()
