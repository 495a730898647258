"""Where the windows of neighbouring pixels lie, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeq.targets.mve.intrinsics import BYTES, first_bytes, load_bytes, opaque
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

HELD = 2
"""Vectors of a window that stay in registers while all weights go by: with those of three pixels, six of eight."""

STRAIGHT = 18
"""Vectors up to which a segment is unrolled."""

POINTERS = 3
"""Segments up to which a window is unrolled."""

NEAR = 128
"""Bytes that loads of x reach from one pointer, to either side."""

BEFORE = NEAR - BYTES
"""Bytes of a stretch that lie before the pointer to it, a multiple of whole vectors."""


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

    def load(self, x: Buffer, at: Expr, number: int) -> Expr:
        """Vector `number` of a segment, which lies at x[at]."""
        predicate = None if number < self.whole else first_bytes(self.length % BYTES)
        return bind("x", load_bytes(x, at, predicate))

    def begin(self, x: Buffer, pixels: int, first: Expr) -> Start:
        """What the blocks of neighbouring pixels have in common.

        Args:
            first: Index in x at which the first pixel's window begins.
        """
        if self.segments * self.vectors <= HELD:
            at = [[first + pixel * self.step + i * BYTES for pixel in range(pixels)] for i in range(self.vectors)]
            return Start(first, (), tuple([self.load(x, place, i) for place in row] for i, row in enumerate(at)))
        if not self.straight(pixels):
            return Start(first)
        return Start(first, tuple(self.stretch(first + i * self.pitch, pixels) for i in range(self.segments)))

    def stretch(self, first: Expr, pixels: int) -> Stretch:
        """A segment of neighbouring pixels, that of the first one at x[first]."""
        last = (pixels - 1) * self.step + (self.vectors - 1) * BYTES
        places = range(BEFORE, last + NEAR, BEFORE + NEAR)
        return Stretch(tuple(bind("x_at", opaque(first + place)) for place in places))


@dataclass(frozen=True, eq=False)
class Stretch:
    """Neighbouring bytes of x.

    Attributes:
        pointers: Indices in x, so many that loads reach all from some of them; LLVM knows nothing of them.
    """

    pointers: tuple[Expr, ...]

    def __add__(self, offset: int) -> Expr:
        """Index in x of the byte at `offset`."""
        number, rest = divmod(offset, BEFORE + NEAR)
        return self.pointers[number] + (rest - BEFORE)


@dataclass(frozen=True, eq=False)
class Start:
    """What is known of the windows of neighbouring pixels before any weight is.

    Attributes:
        first: Index in x at which the first window begins.
        segments: Of the windows, where they are unrolled.
        vectors: Instead, short windows themselves: for each vector, that of each pixel.
    """

    first: Expr
    segments: tuple[Stretch, ...] = ()
    vectors: tuple[list[Expr], ...] = ()
