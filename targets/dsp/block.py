"""The inner loops of the matrix-multiply kernels: a block of output pixels times pairs of output channels.

A block of 3 pixels and one pair needs 6 accumulators, 4 weight registers, 2 inputs and 2 pointers: all of the 14
registers. Two neighbouring words at a time become one LDRD. Per 24 products: 12 SMLAD, 2 SXTB16, 4 LDRD.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.assembly import opaque, smlad_in_place
from edgeq.targets.dsp import square
from edgeq.targets.dsp.control import counted, where
from edgeq.targets.dsp.intrinsics import forget, pin, sxtb16, wrapping_difference
from edgeq.targets.dsp.memory import Memory
from edgeq.targets.dsp.near import Near
from edgeq.targets.dsp.packed import both
from edgeq.targets.dsp.schedule import SINGLE, SQUARE, Block, block_sizes
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.dsp.requantize import SmmulRequantizer
    from edgeq.targets.dsp.schedule import Schedule
    from edgeq.targets.portable.fixed_point import Requantizer
    from edgeq.targets.portable.tables import Channels

UNROLL_WIDE = 16
"""Words of one unrolled step at most, for a pixel times more than one pair."""

REACH = 255
"""Words that LDRD reaches beyond its base."""


def unroll(words: int, most: int) -> int:
    """Largest even divisor of `words` up to `most`; any divisor where there is none."""
    divisors = [u for u in range(1, most + 1) if words % u == 0]
    even = [u for u in divisors if u % 2 == 0]
    return (even or divisors)[-1]


@dataclass(frozen=True, eq=False)
class Product:
    """Windows of widened rows times paired weights, requantized.

    Attributes:
        outputs: Output channels.
        pixels: Of a block at most.
        pairs: Pairs of channels in a block.
        bits: Of a weight, as it is stored; of less than eight they have to be brought near.
        segments: Kernel rows: contiguous pieces of a window.
        words: Of a segment.
        row_words: Words from one segment to the next.
        step: Words from one pixel's window to the next one's.
        lines: Rows of output for which weights are brought near once, and how many words lie between their windows.
        form: Requantization, with `channels`, its numbers.
        is_joined: Whether their biases are those of `pairs.joined`.
        schedule: Layout of the loops.
        packed: Whether results lie two to a byte.
    """

    outputs: int
    pixels: int
    pairs: int
    bits: int
    segments: int
    words: int
    row_words: int
    step: int
    lines: tuple[int, int]
    form: SmmulRequantizer
    channels: Channels
    is_joined: bool
    schedule: Schedule
    packed: bool

    @property
    def is_square(self) -> bool:
        """Whether blocks are those of `square`."""
        return (self.pixels, self.pairs) in (SQUARE, SINGLE)

    @property
    def group_words(self) -> int:
        """Words of the weights of a group."""
        return self.segments * self.words * self.pairs

    @property
    def near(self) -> Near:
        """How the weights of a group come to working memory."""
        return Near(self.group_words, self.bits)

    @property
    def near_words(self) -> int:
        """Working memory for weights, in words."""
        return self.near.needed if self.schedule.near else 0

    @property
    def can_be_lean(self) -> bool:
        """Whether it would do with less."""
        return self.schedule.near and (self.bits == 8 or self.lines[0] > 1)

    def emit_row(self, memory: Memory, pixels: int, first: Expr, at: Expr) -> None:
        """Code for neighbouring pixels of each line and all channels.

        Blocks of one size come behind those of another: code of two, run in turn, outgrows instruction caches. Packed
        weights are unpacked once for blocks of all sizes.

        Args:
            pixels: How many.
            first: Word of `memory.rows` at which the first window begins.
            at: Number of the first output pixel.
        """
        sizes, done = block_sizes(pixels, self.pixels), 0
        for together in [[size] for size in sizes] if self.bits == 8 else [sizes]:
            few = self.bits == 8 and together[0][0] < self.pixels
            here = replace(self, schedule=replace(self.schedule, near=False)) if few else self
            here._emit_blocks(memory, together, first + done * self.step, at + done, pixels)
            done += sum(size * blocks for size, blocks in together)

    def _emit_blocks(self, memory: Memory, sizes: list[tuple[int, int]], first: Expr, at: Expr, pixels: int) -> None:
        with T.serial(-(-self.outputs // (2 * self.pairs))) as group:
            if self.schedule.near:
                self.near.emit(memory.weights, group, memory.rows)
            lines, between = self.lines
            with counted(lines) as line:
                done = 0
                for size, blocks in sizes:
                    with T.serial(blocks) as block:
                        pixel = block * size + done
                        place = first + line * between + pixel * self.step
                        self.emit(memory, size, group, place, at + line * pixels + pixel)
                    done += size * blocks

    @property
    def accumulators(self) -> int:
        """Of a block, and two for square ones."""
        return 2 * self.pairs * self.pixels + 2 * self.is_square

    def emit(self, memory: Memory, pixels: int, group: Expr, first: Expr, at: Expr) -> None:
        """Code for a block.

        Args:
            pixels: Neighbouring output pixels.
            group: Number of the group of `pairs` pairs of channels.
            first: Word of `memory.rows` at which the first window begins.
            at: Number of the first output pixel.
        """
        self._begin(memory, pixels, group)
        self._multiply(memory, pixels, group, first)
        share = 1 + self.packed
        to = at * (self.outputs // share) + group * (2 * self.pairs // share)
        to = bind("to", opaque(to) if self.is_square else to)
        form = self.channels.at_hand(self.form, memory.numbers)
        for pair in range(self.pairs):
            self._store(memory, pixels, pair, (group * self.pairs + pair) * 2, to + 2 * pair // share, form)

    def _begin(self, memory: Memory, pixels: int, group: Expr) -> None:
        """Both accumulators begin at the even channel's bias, which their difference then does not hold."""
        for pair in range(self.pairs):
            channel = (group * self.pairs + pair) * 2
            even = bind("bias", memory.numbers[channel])
            both = bind("biases", memory.numbers[channel + 1]) if self.is_joined else even
            for pixel in range(pixels):
                for i, bias in enumerate((both, even)):
                    T.buffer_store(memory.acc, bias, [2 * (pixel * self.pairs + pair) + i])

    def _multiply(self, memory: Memory, pixels: int, group: Expr, first: Expr) -> None:
        per_segment = self.words * self.pairs
        base = group * self.group_words
        if self.schedule.near:
            memory, base = replace(memory, weights=memory.rows), T.int32(0)
        if self.is_square and pixels == self.pixels:
            straight = self.segments == 1 and self.words <= self.schedule.straight
            size = self.words if straight else unroll(self.words, self.schedule.unroll)
            windows = square.Windows(
                Block(self.pixels, self.pairs), self.segments, self.words, self.row_words, self.step
            )
            windows.multiply(memory, size, first, base)
            return
        if self.group_words <= self.schedule.straight:
            near = max(1, (REACH - (pixels - 1) * self.step - self.words) // self.row_words + 1)
            for ky in range(self.segments):
                if ky % near == 0:
                    x = bind("x_at", opaque(first + ky * self.row_words))
                place = x + ky % near * self.row_words
                self._products(memory, pixels, place, base + ky * per_segment, self.words)
            return
        size = unroll(self.words, self.schedule.unroll if self.pairs == 1 else UNROLL_WIDE)
        with T.serial(self.segments) as ky, T.serial(self.words // size) as i:
            x = bind("x_at", opaque(first + ky * self.row_words + i * size))
            w = bind("w_at", opaque(base + ky * per_segment + i * (size * self.pairs)))
            self._products(memory, pixels, x, w, size)

    def _products(self, memory: Memory, pixels: int, x: Expr, w: Expr, words: int) -> None:
        for first in range(0, words, 2):
            two = range(first, min(first + 2, words))
            inputs: dict[int, list[Expr]] = {}
            for pair in range(self.pairs):
                places = [self._weight(pair, word) for word in two]
                packed = [bind("w", memory.weights[w + at]) for at in places]
                weights = self._unpacked(packed)
                for pixel in range(pixels):
                    if pixel not in inputs:
                        inputs[pixel] = [bind("x", memory.rows[x + pixel * self.step + j]) for j in two]
                    i = 2 * (pixel * self.pairs + pair)
                    self._accumulate(memory.acc, i, weights[0], inputs[pixel])
                    self._accumulate(memory.acc, i + 1, weights[1], inputs[pixel])
                    pin(memory.acc[i])
                    pin(memory.acc[i + 1])
            forget(memory.rows.data)
            forget(memory.weights.data)

    @staticmethod
    def _unpacked(packed: list[Expr]) -> tuple[list[Expr], list[Expr]]:
        """What the inputs are multiplied by for the first and for the second accumulator of a pair."""
        return packed, [bind("even", sxtb16(word)) for word in packed]

    def _weight(self, pair: int, word: int) -> int:
        """Where a word of a step's weights lies."""
        if self.is_square:
            return word * self.pairs + pair
        return word // 2 * 2 * self.pairs + pair * 2 + word % 2

    @staticmethod
    def _accumulate(acc: Buffer, i: int, weights: list[Expr], inputs: list[Expr]) -> None:
        for weight, x in zip(weights, inputs, strict=True):
            T.buffer_store(acc, smlad_in_place(weight, x, acc[i]), [i])

    def _store(self, memory: Memory, pixels: int, pair: int, channel: Expr, to: Expr, form: Requantizer) -> None:
        """Requantizes the outputs of a pair, and stores them from index `to` on."""
        finish = [self.channels.prepared(form, memory.numbers, channel + i) for i in range(2)]
        for pixel in range(pixels):
            y = to + pixel * (self.outputs // (1 + self.packed))
            even, odd = self._sums(memory, pixel * self.pairs + pair, channel)
            if self.packed:
                T.buffer_store(memory.y, both(finish[0](even), finish[1](odd)), [y])
                continue
            T.buffer_store(memory.y, finish[0](even), [y])
            with where(self.outputs % (2 * self.pairs) == 0 or channel + 1 < self.outputs):
                T.buffer_store(memory.y, finish[1](odd), [y + 1])

    def _sums(self, memory: Memory, block: int, channel: Expr) -> tuple[Expr, Expr]:
        """The sums of both channels of a pixel's pair, which is number `block` of all pixels."""
        even = bind("sum", memory.acc[2 * block + 1])
        odd = T.shift_right(wrapping_difference(memory.acc[2 * block], even), 8)
        return even, odd if self.is_joined else odd + memory.numbers[channel + 1]
