"""int4 and int2 weights, packed: a block of output pixels times one output channel.

A word holds the weights of a channel for several words of input, as fields of `bits` bits in each half: in the lowest
ones those of the first word. Shifted to the top of its half and masked, a field is a signed half, 2^(16 - bits) times
as large as the weight, that SMLAD multiplies: one instruction unpacks two weights. Sums are as many times too large;
they stay exact as long as they fit 32 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.assembly import opaque
from edgeq.targets.dsp.block import unroll
from edgeq.targets.dsp.intrinsics import forget, pin, smlad, top_field
from edgeq.targets.dsp.pairs import INPUT_LIMIT
from edgeq.targets.dsp.schedule import BLOCK_CODE, PIXEL_CODE, cached_words
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.targets.dsp.block import Memory
    from edgeq.targets.dsp.requantize import SmmulRequantizer
    from edgeq.targets.portable.tables import Channels
    from edgeq.targets.target import Target

UNROLL = 48
"""Words of input of one unrolled step at most."""

PIXELS = 6
"""Of a block at most: accumulators, two inputs, three words of weights, mask and two pointers fill the registers."""

WORD_CODE, PIXEL_WORD_CODE = 5, 6
"""Bytes of code of a word of input: to unpack its weights, and for each pixel LDRD and SMLAD."""

SUM_LIMIT = 1 << 31


def fields_fit(weight: np.ndarray, bits: int) -> bool:
    """True if the sums of weights (o, ...), moved to the top of their halves, stay within 32 bits."""
    sums = np.abs(weight.reshape(len(weight), -1).astype(np.int64)).sum(axis=1) * INPUT_LIMIT
    return bool((sums << (16 - bits) < SUM_LIMIT).all())


def packed_fields(weight: np.ndarray, bits: int) -> np.ndarray:
    """Words of weights, and behind them the mask of a field.

    Args:
        weight: int8 (o, segments, elements), the number of elements even.

    Returns:
        int32, in the order (o, segments, words).
    """
    o, segments, elements = weight.shape
    taps = 16 // bits
    filled = np.pad(weight.astype(np.int64), ((0, 0), (0, 0), (0, -elements % (2 * taps))))
    fields = (filled & ((1 << bits) - 1)).reshape(o, segments, -1, taps, 2)
    halves = (fields << (bits * np.arange(taps))[:, None]).sum(axis=3).astype("<u2")
    mask = np.full(2, 0xFFFF << (16 - bits) & 0xFFFF, "<u2")
    return np.concatenate([halves.reshape(-1), mask]).view("<i4").astype(np.int32)


def longest_step(pixels: int, target: Target) -> int:
    """Words of input of one unrolled step of blocks of so many pixels, or up to which a whole window is unrolled."""
    return cached_words(target, BLOCK_CODE + PIXEL_CODE * pixels, WORD_CODE + PIXEL_WORD_CODE * pixels)


def field_pixels(pixels: int) -> int:
    """Pixels of a block such that a row of `pixels` takes least time; unpacking takes about that of another pixel."""
    blocks = {p: divmod(pixels, p) for p in range(1, min(pixels, PIXELS) + 1)}
    return min(blocks, key=lambda p: (blocks[p][0] * (p + 1) + blocks[p][1] + (blocks[p][1] > 0), p))


@dataclass(frozen=True, eq=False)
class FieldProduct:
    """Windows of widened rows times packed weights, requantized; the counterpart of `block.Product`.

    Attributes:
        outputs: Output channels.
        bits: Of a weight.
        pixels: Of a block.
        segments: Kernel rows: contiguous pieces of a window.
        words: Of a segment.
        row_words: Words from one segment to the next.
        step: Words from one pixel's window to the next one's.
        form: Requantization, with `channels`, its numbers.
        longest: Words of one unrolled step at most, as the instruction cache holds them.
    """

    outputs: int
    bits: int
    pixels: int
    segments: int
    words: int
    row_words: int
    step: int
    form: SmmulRequantizer
    channels: Channels
    longest: int

    @property
    def taps(self) -> int:
        """Words of input that a word of weights meets."""
        return 16 // self.bits

    @property
    def accumulators(self) -> int:
        """Of a block."""
        return self.pixels

    @property
    def near_words(self) -> int:
        """Working memory for weights: they are read where they are."""
        return 0

    def emit_row(self, memory: Memory, pixels: int, first: Expr, at: Expr) -> None:
        """Code for neighbouring pixels and all channels; see `block.Product.emit_row`."""
        blocks, rest = divmod(pixels, self.pixels)
        for size, count, done in ((self.pixels, blocks, 0), (rest, 1, pixels - rest)):
            if size and count:
                with T.serial(self.outputs) as channel, T.serial(count) as block:
                    pixel = block * size + done
                    self._block(memory, size, channel, first + pixel * self.step, at + pixel)

    def _block(self, memory: Memory, pixels: int, channel: Expr, first: Expr, at: Expr) -> None:
        # Loaded: LLVM takes a mask that it knows for an immediate operand, which leaves no room for the shift.
        mask = bind("mask", memory.weights[memory.weights.shape[0] - 1])
        for pixel in range(pixels):
            T.buffer_store(memory.acc, T.int32(0), [pixel])
        if self.segments * self.words <= self.longest:
            for ky in range(self.segments):
                x = first + ky * self.row_words
                self._products(memory, pixels, x, self._weights_at(channel, ky), self.words, mask)
        else:
            with T.serial(self.segments) as ky:
                self._segment(memory, pixels, first + ky * self.row_words, self._weights_at(channel, ky), mask)
        self._store(memory, pixels, channel, at)

    def _weights_at(self, channel: Expr, ky: Expr | int) -> Expr:
        return (channel * self.segments + ky) * -(-self.words // self.taps)

    def _segment(self, memory: Memory, pixels: int, x: Expr, w: Expr, mask: Expr) -> None:
        """A kernel row in steps of equal length, and what is left of its last word of weights."""
        whole = self.words // self.taps
        if whole:
            size = unroll(whole, max(1, min(UNROLL, self.longest) // self.taps))
            with T.serial(whole // size) as i:
                place = x + i * (size * self.taps)
                self._products(memory, pixels, place, w + i * size, size * self.taps, mask)
        if self.words % self.taps:
            place = x + whole * self.taps
            self._products(memory, pixels, place, w + whole, self.words % self.taps, mask)

    def _products(self, memory: Memory, pixels: int, x: Expr, w: Expr, words: int, mask: Expr) -> None:
        x, w = bind("x_at", opaque(x)), bind("w_at", opaque(w))
        for first in range(0, words, 2):
            if first % self.taps == 0:
                packed = bind("w", memory.weights[w + first // self.taps])
            two = range(first, min(first + 2, words))
            tops = (16 - self.bits * (i % self.taps + 1) for i in two)
            weights = [bind("weights", top_field(packed, top, mask)) for top in tops]
            for pixel in range(pixels):
                inputs = [bind("x", memory.rows[x + pixel * self.step + i]) for i in two]
                for weight, word in zip(weights, inputs, strict=True):
                    T.buffer_store(memory.acc, smlad(weight, word, memory.acc[pixel]), [pixel])
                pin(memory.acc[pixel])
                forget(memory.rows.data)
        forget(memory.weights.data)

    def _store(self, memory: Memory, pixels: int, channel: Expr, at: Expr) -> None:
        bias = bind("bias", memory.numbers[channel])
        for pixel in range(pixels):
            acc = T.shift_right(memory.acc[pixel], 16 - self.bits) + bias
            y = self.channels.requantize(self.form, acc, memory.numbers, channel)
            T.buffer_store(memory.y, y, [(at + pixel) * self.outputs + channel])
