"""Image rows widened to int16, padded, in a ring: what the inner loops read.

Each input element is widened once. Four channels b0..b3 become the words (b0, b2) and (b1, b3), which is what SXTB16
gives without further shuffling; weights are packed in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.assembly import opaque
from edgeq.targets.dsp.intrinsics import forget, load_word, odd_bytes, sxtb16
from edgeq.targets.portable.fixed_point import bind, int32

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

GROUP = 4
"""Channels that one word of int8 holds."""


@dataclass(frozen=True, eq=False)
class Ring:
    """The memory of the widened rows, as words and as halves."""

    words: Buffer
    halves: Buffer


@dataclass(frozen=True)
class Rows:
    """Geometry of the widened rows of a sliding window.

    Attributes:
        image: (n, h, w, c) of the input.
        out: (oh, ow).
        kernel, strides: Of the window.
        top, left: Padding before the image.
        lines: Rows of output that are made at a time.
    """

    group: ClassVar[int] = GROUP
    order_in_group: ClassVar[tuple[int, ...]] = (0, 2, 1, 3)
    """Where a group's elements come from: that of SXTB16."""

    image: tuple[int, int, int, int]
    out: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    top: int
    left: int
    lines: int = 1

    @property
    def slots(self) -> int:
        """Rows that the ring holds."""
        return (self.lines - 1) * self.strides[0] + self.kernel[0]

    @property
    def kept(self) -> int:
        """Of these, those that the next rows of output need as well."""
        return max(self.kernel[0] - self.strides[0], 0)

    @property
    def depth(self) -> int:
        """Elements of a widened pixel: one more than in the image if windows could begin within a word otherwise."""
        c = self.image[3]
        return c + 1 if c % 2 and self.strides[1] % 2 else c

    @property
    def grouped(self) -> bool:
        """Whether elements lie in that order."""
        return self.depth % self.group == 0

    @property
    def line(self) -> int:
        """Bytes or halves of an image row."""
        return self.image[2] * self.image[3]

    @property
    def window_words(self) -> int:
        """Words of one kernel row at one pixel; a last half may belong to no tap."""
        return -(-self.kernel[1] * self.depth // 2)

    @property
    def pixel_words(self) -> int:
        """Words from one output pixel's window to the next."""
        return self.strides[1] * self.depth // 2

    @property
    def width(self) -> int:
        """Words of a widened row, those included that it shares with the next one."""
        return (self.out[1] - 1) * self.pixel_words + self.window_words

    @property
    def shared(self) -> int:
        """Words of padding to the right of a row that are the padding to the left of the next one."""
        behind = self.width - -(-(self.left + self.columns) * self.depth // 2)
        return min(behind, self.before) if self.slots > 1 else 0

    @property
    def row_words(self) -> int:
        """Words from one widened row to the next."""
        return self.width - self.shared

    @property
    def columns(self) -> int:
        """Image columns that some window covers."""
        return min(self.image[2], (self.out[1] - 1) * self.strides[1] + self.kernel[1] - self.left)

    @property
    def before(self) -> int:
        """Words of a widened row before the first that holds image; half of that may be padding, too."""
        return self.left * self.depth // 2

    @property
    def words(self) -> int:
        """Of the ring."""
        return self.slots * self.row_words + self.shared

    def order(self, weight: np.ndarray) -> np.ndarray:
        """Weights in the order of the widened elements.

        Args:
            weight: (o, kh, kw, c).

        Returns:
            (o, kh, 2 * window_words), zeros where an element belongs to no tap.
        """
        o, kh, kw, c = weight.shape
        filled = np.pad(weight, ((0, 0), (0, 0), (0, 0), (0, self.depth - c)))
        if self.grouped:
            filled = filled.reshape(o, kh, kw, -1, self.group)[..., self.order_in_group]
        flat = filled.reshape(o, kh, kw * self.depth)
        return np.pad(flat, ((0, 0), (0, 0), (0, 2 * self.window_words - kw * self.depth)))

    def shift(self, ring: Buffer) -> None:
        """Moves up the rows that are kept."""
        kept, gone = self.kept * self.row_words, (self.slots - self.kept) * self.row_words
        unroll = max(u for u in (1, 2, 4) if kept % u == 0)
        with T.serial(kept // unroll) as i:
            moved = [bind("moved", ring[i * unroll + j + gone]) for j in range(unroll)]
            for j, word in enumerate(moved):
                T.buffer_store(ring, word, [i * unroll + j])
            forget(ring.data)

    def fill(self, ring: Buffer, slot: Expr, outside: Expr) -> None:
        """Fills the row that begins at word `slot` with `outside`, what two elements outside the image are.

        LLVM would unroll a loop of known length to many times its size.
        """
        with T.serial(opaque(T.int32(self.width))) as i:
            T.buffer_store(ring, outside, [slot + i])

    def widen(self, x: Buffer, source: Expr, ring: Ring, slot: Expr | int) -> None:
        """Widens the image row that begins at x[source] into the row of the ring that begins at word `slot`."""
        if not self.grouped:
            self._widen_elements(x, source, ring, slot)
        elif self.depth == self.image[3]:
            self._widen_words(x, source, ring, slot + self.before, self.columns * self.depth // GROUP)
        else:
            self._widen_pixels(x, source, ring, slot + self.before)

    def _widen_words(self, x: Buffer, source: Expr, ring: Ring, to: Expr, count: int) -> None:
        unroll = gcd(count, 4)
        with T.serial(count // unroll) as i:
            for j in range(unroll):
                self._widen_word(x, source + (i * unroll + j) * GROUP, ring, to + (i * unroll + j) * 2)

    def _widen_word(self, x: Buffer, source: Expr, ring: Ring, to: Expr) -> None:
        four = bind("four", load_word(x, source))
        T.buffer_store(ring.words, sxtb16(four), [to])
        T.buffer_store(ring.words, odd_bytes(four), [to + 1])

    def _widen_pixels(self, x: Buffer, source: Expr, ring: Ring, to: Expr) -> None:
        """Pixels of one channel less than whole words: the byte of the next pixel is read, and meets a zero weight.

        Behind the last pixel may be no byte: its last word is put together from the one before it.
        """
        c, groups = self.image[3], self.depth // GROUP
        with T.serial(self.columns - 1) as px:
            for j in range(groups):
                self._widen_word(x, source + px * c + j * GROUP, ring, to + px * (self.depth // 2) + j * 2)
        last, end = source + (self.columns - 1) * c, to + (self.columns - 1) * (self.depth // 2)
        for j in range(groups - 1):
            self._widen_word(x, last + j * GROUP, ring, end + j * 2)
        b0, b1, b2 = (int32(x[last + c - 3 + k]) for k in range(3))
        T.buffer_store(ring.words, T.bitwise_or(T.bitwise_and(b0, 0xFFFF), b2 * 65536), [end + groups * 2 - 2])
        T.buffer_store(ring.words, b1, [end + groups * 2 - 1])

    def _widen_elements(self, x: Buffer, source: Expr, ring: Ring, slot: Expr) -> None:
        c, to = self.image[3], slot * 2 + self.left * self.depth
        forget(ring.words.data)
        if self.depth == c:
            fours = self.columns * c // GROUP if self.left * c % 2 == 0 else 0
            with T.serial(fours) as i:
                self._widen_in_order(x, source + i * GROUP, ring, slot + self.before + i * 2)
            with T.serial(self.columns * c - fours * GROUP) as i:
                T.buffer_store(ring.halves, x[source + fours * GROUP + i].astype("int16"), [to + fours * GROUP + i])
        else:
            with T.grid(self.columns, c) as (px, ch):
                T.buffer_store(ring.halves, x[source + px * c + ch].astype("int16"), [to + px * self.depth + ch])

    def _widen_in_order(self, x: Buffer, source: Expr, ring: Ring, to: Expr) -> None:
        """Four elements as the words (b0, b1) and (b2, b3): PKHBT and PKHTB."""
        four = bind("four", load_word(x, source))
        even, odd = bind("even", sxtb16(four)), bind("odd", odd_bytes(four))
        low = T.bitwise_or(T.bitwise_and(even, 0xFFFF), T.shift_left(odd, T.int32(16)))
        high = T.bitwise_and(T.shift_right(even, 16), 0xFFFF)
        T.buffer_store(ring.words, low, [to])
        T.buffer_store(ring.words, T.bitwise_or(high, T.bitwise_and(odd, T.int32(-(1 << 16)))), [to + 1])
