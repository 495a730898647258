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

    from edgeq.targets.mve.weights import Offset, Weights
    from edgeq.targets.mve.windows import Start, Stretch, Windows

PIXELS = 3
"""Of a block."""


def pixels_of_block(neighbours: int, bits: int) -> int:
    """Pixels of a block where so many lie side by side: one where a byte of weights is four channels."""
    return min(neighbours, PIXELS) if bits > 2 else 1


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


def unrolled(vectors: int, most: int) -> int:
    """Vectors of a turn of a loop over `vectors`: at most `most`, and none left unless turns become short."""
    size = max(u for u in range(1, most + 1) if vectors % u == 0)
    return size if 2 * size > most else min(most, vectors)


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


@dataclass(frozen=True, eq=False)
class Product:
    """Windows times packed weights.

    Attributes:
        group: Channels whose sums are collected before they are requantized.
    """

    windows: Windows
    weights: Weights | Offset
    group: int = 1

    def emit(self, memory: Memory, pixels: int, start: Start, block: Expr, channel: Expr) -> None:
        """Code for a block: sums of neighbouring pixels and the channels of one block of weights.

        Args:
            start: Of `Windows.begin`.
            block: Number of the block of weights.
            channel: Number of its first channel within the group.
        """
        count = self.weights.channels
        self.multiply(memory, pixels, start, block)
        for pixel in range(pixels):
            for i in range(count):
                T.buffer_store(memory.sums, memory.acc[pixel * count + i], [pixel * self.group + channel + i])

    def multiply(self, memory: Memory, pixels: int, start: Start, block: Expr) -> None:
        """Code for the accumulators of a block."""
        for i in range(pixels * self.weights.channels):
            T.buffer_store(memory.acc, T.int32(0), [i])
        windows, per_vector = self.windows, self.weights.vectors * WORDS
        vectors, whole = windows.vectors, windows.whole
        w = block * (windows.segments * vectors * per_vector)
        for i, loaded in enumerate(start.vectors):
            self._accumulate(memory, w + i * per_vector, loaded)
        if start.vectors:
            return
        if start.segments:
            for i, x in enumerate(start.segments):
                self._steps(memory, pixels, x, w + i * vectors * per_vector, range(vectors))
            return
        size = unrolled(whole, REACH // (BYTES * max(self.weights.vectors, 1)))
        looped = whole - whole % size
        # Opaque where something follows: LLVM would unroll few turns and run out of registers for pointers.
        turns = opaque(T.int32(looped // size)) if looped < whole else looped // size
        with T.serial(opaque(T.int32(windows.segments))) as segment:
            x = bind("x_segment", start.first + segment * windows.pitch)
            at = bind("w_segment", w + segment * vectors * per_vector)
            with T.serial(turns) as i:
                x_step = bind("x_step", place(x + i * (size * BYTES)))
                w_step = bind("w_step", at + i * (size * per_vector))
                self._steps(memory, pixels, x_step, w_step, range(size))
            self._steps(memory, pixels, x + looped * BYTES, at + looped * per_vector, range(looped, vectors))

    def _steps(self, memory: Memory, pixels: int, x: Expr | Stretch, w: Expr, numbers: range) -> None:
        """Neighbouring vectors of each pixel, with their numbers in the segment."""
        for i, number in enumerate(numbers):
            at = [x + (pixel * self.windows.step + i * BYTES) for pixel in range(pixels)]
            loads = (self.windows.load(memory.x, place, number) for place in at)
            self._accumulate(memory, w + i * self.weights.vectors * WORDS, loads)

    def _accumulate(self, memory: Memory, w: Expr, vectors: Iterable[Expr]) -> None:
        """Adds the products of a vector of each pixel with the weights of the block."""
        fields = self.weights.load(memory.weights, w)
        for pixel, vector in enumerate(vectors):
            for i, field in enumerate(fields, pixel * len(fields)):
                T.buffer_store(memory.acc, vmladava(memory.acc[i], vector, field), [i])
            in_order()
