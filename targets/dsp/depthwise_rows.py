"""Rows of a depthwise convolution with kernels three wide: two products per instruction along a channel's columns.

For outputs 0 and 1 of a row, and columns in words X = (x0, x1), Y = (x2, x3), weights in words A = (w0, w1) and
B = (w1, w2): y0 = A.X + w2 x2 and y1 = w0 x1 + B.Y, four instructions for six products.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.assembly import opaque
from edgeq.targets.dsp.intrinsics import forget, pin, smla_bottom_top, smla_top_bottom, smlad
from edgeq.targets.portable.fixed_point import bind, int32

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.dsp.depthwise_weights import Taps
    from edgeq.targets.dsp.requantize import SmmulRequantizer
    from edgeq.targets.portable.tables import Channels

UNROLL = 4
"""Pairs of windows of a row that are unrolled at most."""

STEP_COST, WINDOW_COST = 20, 13
"""Instructions, about: of beginning a step, which unpacks the weights, and of a window."""


def rows_together(rows: int, outputs: int, windows: int) -> int:
    """Rows of one unrolled step: those that take the least time in all.

    The last step is moved back to end with the rows. Within a step, a channel's weights stay in registers.

    Args:
        rows: In all.
        outputs: Of a row.
        windows: Of one unrolled step at most, over all its rows.
    """
    most = max(1, min(rows, windows // _unrolled(outputs)))
    return min(range(1, most + 1), key=lambda r: (-(-rows // r) * (r * outputs * WINDOW_COST + STEP_COST), r))


def _unrolled(outputs: int) -> int:
    """Windows of a row that one unrolled step makes."""
    pairs = outputs // 2
    return outputs if pairs <= UNROLL else 2 * max(u for u in range(1, UNROLL + 1) if pairs % u == 0)


@dataclass(frozen=True, eq=False)
class Memory:
    """What the code of a row works on: planes, the channels' biases and multipliers, the output.

    Attributes:
        nibble: Where the channel lies in a byte of packed results: how far up, and which bits of the byte stay. The
            even channel comes first, and leaves to the odd one what lies above it.
    """

    planes: Buffer
    numbers: Buffer
    y: Buffer
    nibble: tuple[Expr, Expr] | None = None

    def store(self, place: Expr, result: Expr) -> None:
        """Stores a result, beside that of the other channel of its byte."""
        if self.nibble is not None:
            up, kept = self.nibble
            old = T.bitwise_and(int32(self.y[place]), kept)
            result = T.Cast("int8", T.bitwise_or(old, T.shift_left(int32(result), up)))
        T.buffer_store(self.y, result, [place])


def nibble(channel: Expr) -> tuple[Expr, Expr]:
    """As `Memory.nibble`."""
    odd = T.bitwise_and(channel, 1)
    return bind("up", odd * 4), bind("kept", odd * 15)


@dataclass(frozen=True, eq=False)
class Strip:
    """Code for neighbouring rows of outputs of one channel.

    Attributes:
        rows: How many.
        outputs: Columns.
        strides: Of rows and of columns.
        pixel: Places in y from one pixel to the next.
        row_words: Words of a plane's row.
        form, requantization: Requantization.
        packed: Whether results lie two to a byte.
    """

    rows: int
    outputs: int
    strides: tuple[int, int]
    pixel: int
    row_words: int
    form: SmmulRequantizer
    requantization: Channels
    packed: bool

    def emit(self, memory: Memory, at: Expr, weights: list[Taps], channel: Expr, line: Expr) -> None:
        """Makes all outputs of the rows.

        Args:
            at: Word of the planes at which the first window begins.
            weights: A and B of each kernel row.
            line: Number of the first row of outputs.
        """
        to = line * (self.outputs * self.pixel) + (T.shift_right(channel, 1) if self.packed else channel)
        memory = replace(memory, nibble=nibble(channel)) if self.packed else memory
        (pairs, single), unroll = divmod(self.outputs, 2), _unrolled(self.outputs) // 2
        if pairs <= UNROLL:
            self._straight(memory, at, weights, channel, to, [2] * pairs + [1] * single)
            return
        with T.serial(pairs // unroll) as i:
            place = to + i * (unroll * 2 * self.pixel)
            self._straight(memory, at + i * (unroll * self.strides[1]), weights, channel, place, [2] * unroll)
        if single:
            self._straight(memory, at + pairs * self.strides[1], weights, channel, to + pairs * 2 * self.pixel, [1])

    def _straight(
        self, memory: Memory, at: Expr, weights: list[Taps], channel: Expr, to: Expr, counts: list[int]
    ) -> None:
        """Neighbouring groups of one or two windows, in all rows, without a loop."""
        start = bind("start", opaque(at))
        for row in range(self.rows):
            words, line = start + row * self.strides[0] * self.row_words, to + row * self.outputs * self.pixel
            for i, count in enumerate(counts):
                place = line + i * 2 * self.pixel
                self._windows(count, memory, words + i * self.strides[1], weights, channel, place)

    def _windows(self, count: int, memory: Memory, at: Expr, weights: list[Taps], channel: Expr, to: Expr) -> None:
        """One window, or two neighbouring ones."""
        acc = [memory.numbers[channel]] * count
        for ky, (a, b) in enumerate(weights):
            words = 2 if count == 1 else 1 + self.strides[1]
            x = [bind("x", memory.planes[at + ky * self.row_words + i]) for i in range(words)]
            acc[0] = bind("acc", smla_bottom_top(x[1], b, smlad(x[0], a, acc[0])))
            if count == 2 and self.strides[1] == 1:
                acc[1] = bind("acc", smlad(x[1], b, smla_top_bottom(x[0], a, acc[1])))
            elif count == 2:
                acc[1] = bind("acc", smla_bottom_top(x[2], b, smlad(x[1], a, acc[1])))
            pin(acc[0])
        forget(memory.planes.data)
        finish = self.requantization.prepared(self.form, memory.numbers, channel)
        for i, value in enumerate(acc):
            memory.store(to + i * self.pixel, finish(value))
