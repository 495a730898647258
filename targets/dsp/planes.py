"""Channels of an image turned into planes: neighbouring columns of one channel side by side, as int16, padded.

A word of the image holds four channels of int8, two of int16, or eight of packed int4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.targets.dsp.intrinsics import load_word, odd_bytes, sxtb16
from edgeq.targets.dsp.packed import LANES, unsigned
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

Pixel = tuple["Expr", ...]
"""Words of halves: channels 0 and 2 of a pixel, and channels 1 and 3; of two channels one word, of eight four."""


def lanes(form: str) -> int:
    """Channels of a word."""
    return {"int8": 4, "int16": 2, "packed": LANES}[form]


@dataclass(frozen=True)
class Planes:
    """Geometry of the planes.

    Attributes:
        width, channels: Of the image.
        left: Columns of padding before it.
        row_words: Words of a row, enough for every window.
        rows: Of a plane.
        zero_point: What an element outside the image is.
        form: Of the image's elements: `int8`, `int16`, or `packed` int4, which are turned without their sign.
    """

    width: int
    channels: int
    left: int
    row_words: int
    rows: int
    zero_point: int
    form: str

    @property
    def group(self) -> int:
        """Channels that are turned together: those of a word."""
        return lanes(self.form)

    @property
    def pixel(self) -> int:
        """Places in the image's memory from one pixel to the next."""
        return self.channels // 2 if self.form == "packed" else self.channels

    def place(self, channel: Expr) -> Expr:
        """Where a channel lies in a pixel; an even one of packed elements."""
        return T.shift_right(channel, 1) if self.form == "packed" else channel

    @property
    def plane_words(self) -> int:
        """Words of one plane."""
        return self.rows * self.row_words

    @property
    def words(self) -> int:
        """Of all planes of a group."""
        return self.group * self.plane_words

    def fill(self, planes: Buffer, row: Expr) -> None:
        """Fills a row of each plane with padding."""
        outside = T.int32((self.zero_point & 0xFFFF) + self.zero_point * (1 << 16))
        with T.serial(self.row_words) as i:
            for channel in range(self.group):
                T.buffer_store(planes, outside, [row * self.row_words + i + channel * self.plane_words])

    def turn(self, x: Buffer, source: Expr, planes: Buffer, row: Expr) -> None:
        """Writes an image row into row `row` of each plane.

        Args:
            source: Index in x of the group's first channel in the row's first pixel.
        """
        to = row * self.row_words
        inside = [word for word in range(self.row_words) if 0 <= 2 * word - self.left < self.width - 1]
        for word in range(self.row_words):
            if word not in inside:
                lo, hi = (self._pixel(x, source, 2 * word + i - self.left) for i in range(2))
                self._store(planes, to + word, lo, hi)
        if inside:
            unroll = max(u for u in (1, 2, 3) if len(inside) % u == 0)
            with T.serial(len(inside) // unroll) as i:
                for word in (inside[0] + i * unroll + j for j in range(unroll)):
                    at = source + (2 * word - self.left) * self.pixel
                    self._store(planes, to + word, self._load(x, at), self._load(x, at + self.pixel))

    def _pixel(self, x: Buffer, source: Expr, column: int) -> Pixel | None:
        return self._load(x, source + column * self.pixel) if 0 <= column < self.width else None

    def _load(self, x: Buffer, at: Expr) -> Pixel:
        if self.form == "int16":
            return (bind("two", load_word(x, at)),)
        if self.form == "packed":
            return tuple(unsigned(bind("eight", load_word(x, at))))
        four = bind("four", load_word(x, at))
        return bind("even", sxtb16(four)), bind("odd", odd_bytes(four))

    def _store(self, planes: Buffer, word: Expr, lo: Pixel | None, hi: Pixel | None) -> None:
        """Stores two columns of the four channels, of which `lo` is the left one: PKHBT or PKHTB, and STR."""
        for channel in range(self.group):
            both = T.bitwise_or(self._low_half(lo, channel), self._high_half(hi, channel))
            T.buffer_store(planes, both, [word + channel * self.plane_words])

    def _low_half(self, pixel: Pixel | None, channel: int) -> Expr:
        if pixel is None:
            return T.int32(self.zero_point & 0xFFFF)
        high, word = divmod(channel, len(pixel))
        return T.bitwise_and(T.shift_right(pixel[word], 16) if high else pixel[word], 0xFFFF)

    def _high_half(self, pixel: Pixel | None, channel: int) -> Expr:
        if pixel is None:
            return T.int32(self.zero_point * (1 << 16))
        high, word = divmod(channel, len(pixel))
        return T.bitwise_and(pixel[word], T.int32(-(1 << 16))) if high else T.shift_left(pixel[word], T.int32(16))
