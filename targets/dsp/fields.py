"""int4 and int2 weights of a single pixel, as they lie: as many output channels as a half of a word has fields.

A half holds one input's weights w0, w1, ... of several channels, the last one, on top, signed and the others u = w + r,
moved up by half their range r. SMLAD on a word and on its fields, each one AND away, gives

    field i < last:  2^(bits * i) * sum x * u_i
    the whole word:  the sum of these, and 2^(16 - bits) * sum x * w_last,

exact modulo 2^32, so that a subtraction finds the last; sum x * w_i = sum x * u_i - r * sum x, where all channels share
the sum of x. One instruction less unpacks a word than it has fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.assembly import opaque, smlad_in_place
from edgeq.targets.dsp.block import unroll
from edgeq.targets.dsp.control import where
from edgeq.targets.dsp.intrinsics import forget, pin, wrapping_difference
from edgeq.targets.dsp.packed import both
from edgeq.targets.dsp.pairs import INPUT_LIMIT
from edgeq.targets.dsp.schedule import BLOCK_CODE, PIXEL_CODE, STEP_CODE, cached_words
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.dsp.memory import Memory
    from edgeq.targets.dsp.requantize import SmmulRequantizer
    from edgeq.targets.portable.tables import Channels
    from edgeq.targets.target import Target

UNROLL = 32
"""Words of input of one unrolled step at most."""

FIELD_CODE = 8
"""Bytes of code of a field of a word of input: AND and SMLAD; the last one's AND, which there is not, is for loads."""

SUM_LIMIT = 1 << 31

ONES = 0x00010001
"""What SMLAD adds the halves of a word with."""


def fields_fit(weight: np.ndarray, bits: int) -> bool:
    """True if the sums of the fields of weights (o, ...) stay within 32 bits."""
    rows = np.abs(weight.reshape(len(weight), -1).astype(np.int64))
    top = (rows.sum(axis=1) * INPUT_LIMIT << (16 - bits)).max()
    below = rows.shape[1] * INPUT_LIMIT * ((1 << bits) - 1) << (16 - 2 * bits)
    return bool(max(top, below) < SUM_LIMIT)


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
        """One for each channel, the sum of the inputs, and the number of the next word of weights."""
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
        for i in range(self.fields, self.accumulators):
            T.buffer_store(memory.acc, T.int32(0), [i])
        with self._steps(first, 8) as (x, size):
            self._add_inputs(memory, x, size)
        with T.serial(-(-self.outputs // self.fields)) as group:
            for i in range(self.fields):
                T.buffer_store(memory.acc, T.int32(0), [i])
            code = BLOCK_CODE + STEP_CODE + PIXEL_CODE * self.fields
            longest = cached_words(self.target, code, FIELD_CODE * self.fields)
            with self._steps(first, min(UNROLL, longest)) as (x, size):
                end = bind("w_end", opaque(memory.acc[self.fields + 1] + size))
                T.buffer_store(memory.acc, end, [self.fields + 1])
                self._products(memory, x, end - size, size)
            self._store(memory, group * self.fields, at * self.outputs)

    @contextmanager
    def _steps(self, first: Expr, most: int) -> Iterator[tuple[Expr, int]]:
        """A loop over the window: its words of input, and how many of them a step takes.

        Their number is that of the end less a known one: LLVM loads at no distance with an added index, not by LDRD.
        """
        size = unroll(self.words, most)
        with T.serial(self.segments) as ky, T.serial(self.words // size) as i:
            end = bind("x_end", opaque(first + ky * self.row_words + i * size + size))
            yield end - size, size

    def _add_inputs(self, memory: Memory, x: Expr, size: int) -> None:
        for i in range(size):
            total = smlad_in_place(memory.rows[x + i], T.int32(ONES), memory.acc[self.fields])
            T.buffer_store(memory.acc, total, [self.fields])

    def _products(self, memory: Memory, x: Expr, w: Expr, size: int) -> None:
        masks = [((1 << self.bits) - 1 << (self.bits * i)) * ONES for i in range(self.fields - 1)]
        for first in range(0, size, 2):
            two = range(first, min(first + 2, size))
            inputs = [bind("x", memory.rows[x + i]) for i in two]
            packed = [bind("w", memory.weights[w + i]) for i in two]
            pin(inputs[-1])
            pin(packed[-1])
            for word, four in zip(inputs, packed, strict=True):
                for i, mask in enumerate(masks):
                    self._accumulate(memory.acc, i, bind("field", T.bitwise_and(four, T.int32(mask))), word)
                self._accumulate(memory.acc, self.fields - 1, four, word)
            pin(memory.acc[self.fields - 1])
            forget(memory.rows.data)
            forget(memory.weights.data)

    @staticmethod
    def _accumulate(acc: Buffer, i: int, weights: Expr, inputs: Expr) -> None:
        T.buffer_store(acc, smlad_in_place(weights, inputs, acc[i]), [i])

    def _store(self, memory: Memory, channel: Expr, y: Expr) -> None:
        """Requantizes and stores the outputs of the channels from number `channel`."""
        # Opaque: the numbers of all channels are then read at small offsets from one address.
        first = bind("first", opaque(channel))
        last = self.fields - 1
        raised = bind("raised", memory.acc[self.fields] * (1 << (self.bits - 1)))
        top = memory.acc[last]
        for i in range(last):
            top = bind("top", wrapping_difference(top, memory.acc[i]))

        def result(i: int) -> Expr:
            total = T.shift_right(memory.acc[i], self.bits * i) - raised
            total = T.shift_right(top, self.bits * last) if i == last else total
            total = total + memory.numbers[first + i]
            return self.channels.requantize(self.form, total, memory.numbers, first + i)

        step = 2 if self.packed else 1
        for i in range(0, self.fields, step):
            with where(self.outputs % self.fields == 0 or channel + i < self.outputs):
                value = both(result(i), result(i + 1)) if self.packed else result(i)
                T.buffer_store(
                    memory.y, value, [T.shift_right(y + channel, 1) + i // 2 if self.packed else y + channel + i]
                )
