"""int4 and int2 weights of a single pixel, as they lie: as many output channels as a half of a word has fields.

A half holds one input's weights w0, w1, ... of several channels, the last one, on top, signed and the others u = w + r,
moved up by half their range r. SMLAD on a word, and then each time the uppermost field is cleared by one AND, gives

    sum i = sum x * (u_0 + ... + 2^(bits * i) * u_i),

so that the difference of neighbouring sums is 2^(bits * i) * sum x * u_i, exact modulo 2^32. All channels share the sum
of x, so that sum x * w = sum x * u - r * sum x is known before: what sums begin with makes up for it. One instruction
less unpacks a word than it has fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.assembly import ahead, load_four, load_four_more, opaque, place, smlad_high, smlad_low, word_at
from edgeq.targets.dsp.block import unroll
from edgeq.targets.dsp.control import where
from edgeq.targets.dsp.intrinsics import forget, pin, smlad, wrapping_difference
from edgeq.targets.dsp.packed import both
from edgeq.targets.dsp.pairs import INPUT_LIMIT
from edgeq.targets.dsp.schedule import BLOCK_CODE, PIXEL_CODE, STEP_CODE, cached_words
from edgeq.targets.dsp.square import HIGH
from edgeq.targets.portable.fixed_point import bind, local

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.dsp.memory import Memory
    from edgeq.targets.dsp.requantize import SmmulRequantizer
    from edgeq.targets.portable.tables import Channels
    from edgeq.targets.target import Target

UNROLL = 32
"""Words of input of one unrolled step at most."""

FOUR = 4
"""Words that one LDM loads, where that leaves registers for the sums."""

FIELD_CODE = 8
"""Bytes of code of a field of a word of input: AND and SMLAD; the last one's AND, which there is not, is for loads."""

SUM_LIMIT = 1 << 31

ONES = 0x00010001
"""What SMLAD adds the halves of a word with."""


def fields_fit(weight: np.ndarray, bias: np.ndarray, bits: int) -> bool:
    """True if sums of the products with weights (o, ...), with their biases (o,), fit 32 bits less those below them."""
    sums = np.abs(weight.reshape(len(weight), -1).astype(np.int64)).sum(axis=1) * INPUT_LIMIT
    return bool((sums + np.abs(bias.astype(np.int64)) << (16 - bits)).max() < SUM_LIMIT)


def packed_fields(weight: np.ndarray, bits: int) -> np.ndarray:
    """Words of weights in the order (group of channels, word of input), channels filled up with zeros.

    Args:
        weight: int8 (o, elements), the number of elements even.
    """
    fields = 16 // bits
    groups = np.pad(weight.astype(np.int64), ((0, -len(weight) % fields), (0, 0))).reshape(-1, fields, weight.shape[1])
    groups[:, :-1] += 1 << (bits - 1)
    halves = (groups << (bits * np.arange(fields)[:, None])).sum(axis=1).astype("<i2")
    return halves.view("<i4").astype(np.int32).reshape(-1)


def field_biases(bias: np.ndarray, bits: int) -> np.ndarray:
    """What sums begin with besides: of each group's channels the biases of all up to it, each at its field.

    Args:
        bias: int32 (o,).

    Returns:
        int32, filled up to whole groups.
    """
    fields = 16 // bits
    groups = np.pad(bias.astype(np.int64), (0, -len(bias) % fields)).reshape(-1, fields)
    return (groups << (bits * np.arange(fields))).cumsum(axis=1).astype(np.int32).reshape(-1)


@dataclass(frozen=True, eq=False)
class FieldProduct:
    """One window of widened rows times packed weights, requantized; the counterpart of `block.Product`.

    Attributes:
        outputs: Output channels.
        bits: Of a weight.
        segments: Kernel rows: contiguous pieces of the window.
        words: Of a segment.
        row_words: Words from one segment to the next.
        form: Requantization, with `channels`, its numbers.
        target: Whose instruction cache holds an unrolled step.
        packed: Whether results lie two to a byte.
    """

    outputs: int
    bits: int
    segments: int
    words: int
    row_words: int
    form: SmmulRequantizer
    channels: Channels
    target: Target
    packed: bool

    @property
    def fields(self) -> int:
        """Of a half: channels that are computed together."""
        return 16 // self.bits

    @property
    def accumulators(self) -> int:
        """One for each channel, and the places of the next words of inputs and of weights."""
        return self.fields + 2

    @property
    def near_words(self) -> int:
        """Working memory for weights: they are read where they are."""
        return 0

    @property
    def can_be_lean(self) -> bool:
        """Whether it would do with less memory."""
        return False

    def emit_row(self, memory: Memory, pixels: int, first: Expr, at: Expr) -> None:
        """Code for all channels of one pixel; see `block.Product.emit_row`."""
        assert pixels == 1, "blocks of pixels unpack weights once for all of them"
        inputs, weights = self.fields, self.fields + 1
        raised = self._raised(memory, first)
        T.buffer_store(memory.acc, place(memory.weights.data, T.int32(0)), [weights])
        with T.serial(-(-self.outputs // self.fields)) as group:
            # Opaque: the numbers of all channels are then read at small offsets from one address.
            channel = bind("first", opaque(group * self.fields))
            for i in range(self.fields):
                bias = wrapping_difference(memory.numbers[channel + i], raised[min(i, self.fields - 2)])
                T.buffer_store(memory.acc, bias, [i])
            code = BLOCK_CODE + STEP_CODE + PIXEL_CODE * self.fields
            longest = cached_words(self.target, code, FIELD_CODE * self.fields)
            T.buffer_store(memory.acc, place(memory.rows.data, first), [inputs])
            with self._steps(memory, min(UNROLL, longest)) as size:
                self._products(memory, size)
            self._store(memory, group * self.fields, at * self.outputs)

    def _raised(self, memory: Memory, first: Expr) -> list[Expr]:
        """By how much the sums of all channels but the last are too large: their weights are."""
        T.buffer_store(memory.acc, T.int32(0), [0])
        T.buffer_store(memory.acc, place(memory.rows.data, first), [self.fields])
        with self._steps(memory, 8) as size:
            x = bind("x_at", memory.acc[self.fields])
            for i in range(size):
                total = smlad(word_at(memory.rows.data, x, i), T.int32(ONES), memory.acc[0])
                T.buffer_store(memory.acc, total, [0])
            T.buffer_store(memory.acc, ahead(x, size), [self.fields])
        half = 1 << (self.bits - 1)
        fields = [half * sum(1 << (self.bits * j) for j in range(i + 1)) for i in range(self.fields - 1)]
        total = T.Cast("uint32", memory.acc[0])
        return [bind("raised", T.Cast("int32", total * T.uint32(factor))) for factor in fields]

    @contextmanager
    def _steps(self, memory: Memory, most: int) -> Iterator[int]:
        """A loop over the window, and how many words of input a step takes."""
        fours = [size for size in range(FOUR, most + 1, FOUR) if self.words % size == 0]
        size = fours[-1] if fours else unroll(self.words, most)
        jump = self.row_words - self.words
        with T.serial(self.segments):
            with T.serial(self.words // size):
                yield size
            if self.segments > 1:
                T.buffer_store(memory.acc, ahead(memory.acc[self.fields], jump), [self.fields])

    def _products(self, memory: Memory, size: int) -> None:
        together = FOUR if self.fields == FOUR and size % FOUR == 0 else 1
        for _ in range(0, size, together):
            words = [local(name, together) for name in ("x", "w")]
            for i, (source, to) in enumerate(zip((memory.rows, memory.weights), words, strict=True)):
                start = memory.acc[self.fields + i]
                if together == FOUR:
                    end = (load_four, load_four_more)[i](source.data, start, to.data)
                else:
                    T.buffer_store(to, word_at(source.data, start, 0), [0])
                    end = ahead(start, 1)
                T.buffer_store(memory.acc, end, [self.fields + i])
            for j in range(together):
                self._accumulate(memory.acc, bind("x", words[0][j]), bind("w", words[1][j]))
            forget(memory.rows.data)
            forget(memory.weights.data)

    def _accumulate(self, acc: Buffer, x: Expr, w: Expr) -> None:
        """Adds the products of a word of input, with one field less each time."""
        for i in reversed(range(self.fields)):
            if i < self.fields - 1:
                kept = (1 << (self.bits * (i + 1))) - 1
                w = bind("fields", opaque(T.bitwise_and(w, T.int32(kept * ONES))))
            T.buffer_store(acc, (smlad_high if i < HIGH else smlad_low)(w, x, acc[i]), [i])
            pin(acc[i])

    def _store(self, memory: Memory, channel: Expr, y: Expr) -> None:
        """Requantizes and stores the outputs of the channels from number `channel`."""
        first = bind("first", opaque(channel))

        def result(i: int) -> Expr:
            total = wrapping_difference(memory.acc[i], memory.acc[i - 1]) if i else memory.acc[0]
            total = T.shift_right(total, self.bits * i)
            return self.channels.requantize(self.form, total, memory.numbers, first + i)

        step = 2 if self.packed else 1
        for i in range(0, self.fields, step):
            with where(self.outputs % self.fields == 0 or channel + i < self.outputs):
                value = both(result(i), result(i + 1)) if self.packed else result(i)
                T.buffer_store(
                    memory.y, value, [T.shift_right(y + channel, 1) + i // 2 if self.packed else y + channel + i]
                )
