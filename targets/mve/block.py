"""The inner loops of the matrix-multiply kernels: a block of output pixels times output channels.

Three pixels and two channels take 6 accumulators, of the 7 even registers that VMLADAVA can sum in, and 5 vectors of 8.
Per 96 products: 6 VMLADAVA, 5 VLDR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.targets.dsp.intrinsics import opaque
from edgeq.targets.mve.intrinsics import BYTES, WORDS, first_bytes, load_bytes, vmladava
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.mve.weights import Weights

PIXELS = 3
"""Of a block."""

STRAIGHT = 18
"""Vectors up to which a segment is unrolled."""

POINTERS = 3
"""Segments up to which a window is unrolled."""

NEAR = 128
"""Bytes that loads of x reach from one pointer."""

REACH = 512
"""Bytes of weights that loads reach from one pointer: those of an unrolled step."""


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


@dataclass(frozen=True)
class Windows:
    """Where the windows of neighbouring pixels lie in x, in bytes.

    Attributes:
        segments: Contiguous pieces of a window, its kernel rows.
        length: Bytes of a segment.
        pitch: From one segment to the next.
        step: From one pixel's window to the next one's.
        readable: Whether whole vectors may be read at a segment's end; what they read too much meets zero weights.
    """

    segments: int
    length: int
    pitch: int
    step: int
    readable: bool

    @property
    def vectors(self) -> int:
        """Of a segment."""
        return -(-self.length // BYTES)

    @property
    def whole(self) -> int:
        """Vectors of a segment that are read whole; a further one is read in part."""
        return self.vectors if self.readable else self.length // BYTES

    def straight(self, pixels: int) -> bool:
        """Whether the windows of neighbouring pixels are unrolled: a pointer to each segment reaches all of them."""
        if self.segments == 1:
            return self.vectors <= STRAIGHT
        return self.segments <= POINTERS and (pixels - 1) * self.step + (self.vectors - 1) * BYTES < NEAR

    def begin(self, pixels: int, first: Expr) -> list[Expr]:
        """Where the segments of the first pixel's window begin: all that is unrolled, or the first one.

        Args:
            first: Index of the window in x.
        """
        if not self.straight(pixels):
            return [first]
        return [bind("x_at", opaque(first + i * self.pitch)) for i in range(self.segments)]


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

    def emit(self, memory: Memory, pixels: int, segments: list[Expr], block: Expr, channel: Expr) -> None:
        """Code for a block: sums of neighbouring pixels and the channels of one block of weights.

        Args:
            segments: Of `Windows.begin`.
            block: Number of the block of weights.
            channel: Number of its first channel within the group.
        """
        count = self.weights.channels
        for i in range(pixels * count):
            T.buffer_store(memory.acc, T.int32(0), [i])
        self._multiply(memory, pixels, segments, block)
        for pixel in range(pixels):
            sums = self.weights.separated([memory.acc[pixel * count + i] for i in range(count)])
            for i, value in enumerate(sums):
                T.buffer_store(memory.sums, value, [pixel * self.group + channel + i])

    def _multiply(self, memory: Memory, pixels: int, segments: list[Expr], block: Expr) -> None:
        windows, per_vector = self.windows, self.weights.vectors * WORDS
        vectors, whole = windows.vectors, windows.whole
        w = block * (windows.segments * vectors * per_vector)
        if windows.straight(pixels):
            for i, x in enumerate(segments):
                self._steps(memory, pixels, x, w + i * vectors * per_vector, vectors)
            return
        most = REACH // (BYTES * self.weights.vectors)
        size = max(u for u in range(1, most + 1) if whole % u == 0)
        with T.serial(opaque(T.int32(windows.segments))) as segment:
            x = bind("x_segment", segments[0] + segment * windows.pitch)
            at = bind("w_segment", w + segment * vectors * per_vector)
            with T.serial(whole // size) as i:
                self._steps(memory, pixels, x + i * (size * BYTES), at + i * (size * per_vector), size)
            if whole < vectors:
                self._step(memory, pixels, x + whole * BYTES, at + whole * per_vector, windows.length % BYTES)

    def _steps(self, memory: Memory, pixels: int, x: Expr, w: Expr, count: int) -> None:
        """Neighbouring vectors; beyond `Windows.whole`, one in part."""
        for i in range(count):
            part = self.windows.length % BYTES if i == self.windows.whole else 0
            self._step(memory, pixels, x + i * BYTES, w + i * self.weights.vectors * WORDS, part)

    def _step(self, memory: Memory, pixels: int, x: Expr, w: Expr, part: int) -> None:
        """One vector of each pixel, of which only `part` bytes are read where that is not zero."""
        loaded = [memory.weights[T.Ramp(w + i * WORDS, 1, WORDS)] for i in range(self.weights.vectors)]
        bytes_ = [bind("w", T.reinterpret("int8x16", words)) for words in loaded]
        fields = [field for each in bytes_ for field in self.weights.fields(each)]
        predicate = first_bytes(part) if part else None
        for pixel in range(pixels):
            value = bind("x", load_bytes(memory.x, x + pixel * self.windows.step, predicate))
            for i, field in enumerate(fields, pixel * len(fields)):
                T.buffer_store(memory.acc, vmladava(memory.acc[i], value, field), [i])
