"""int4 activations two to a byte: a word holds eight of them.

Their sign is taken off as they are read: with the upper bit of each flipped they are x + 8, so that one AND makes a
word of two halves. Operators with weights make up for that in their biases and in what an element outside the image is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from tvm.script import tirx as T

from edgeq.program.ops import Conv2D
from edgeq.targets.dsp.intrinsics import forget, load_word
from edgeq.targets.dsp.rows import Rows
from edgeq.targets.portable.fixed_point import bind, int32

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Dense
    from edgeq.program.program import Buffer as ProgramBuffer
    from edgeq.program.program import Program
    from edgeq.targets.dsp.rows import Ring

Layer = TypeVar("Layer", bound="Conv2D | Dense")

LANES = 8
"""Elements of a word."""

SIGNS = -0x77777778
"""0x88888888 as int32: the upper bit of each element."""

RAISED = 8
"""What an element has too much without its sign."""


def in_whole_bytes(fits: Callable[[Any], bool]) -> Callable[[Any, Program], bool]:
    """From the condition of a kernel with weights that on packed operators: no byte holds elements of two pixels."""

    def holds(op: Conv2D | Dense, program: Program) -> bool:
        inputs = op.x_shape[3] if isinstance(op, Conv2D) else op.weight.shape[1]
        channels = (op.x, inputs), (op.y, len(op.weight))
        return fits(op) and all(count % 2 == 0 for name, count in channels if program.buffer[name].packed)

    return holds


def raised(op: Layer, x: ProgramBuffer) -> Layer:
    """The same operator for elements that have 8 too much, if those of its operand are packed."""
    if not x.packed:
        return op
    sums = op.weight.reshape(len(op.weight), -1).astype(np.int64).sum(axis=1)
    bias = (op.bias - RAISED * sums).astype(np.int32)
    outside = {"x_zero_point": op.x_zero_point + RAISED} if isinstance(op, Conv2D) else {}
    return replace(op, bias=bias, **outside)  # type: ignore[arg-type]


def unsigned(word: Expr) -> list[Expr]:
    """Words of two halves each: elements i and i + 4 of the word, for i up to 4."""
    plain = bind("plain", T.bitwise_xor(word, T.int32(SIGNS)))
    return [bind("two", T.bitwise_and(T.shift_right(plain, 4 * i) if i else plain, 0x000F000F)) for i in range(4)]


def both(first: Expr, second: Expr) -> Expr:
    """A byte of two elements."""
    return T.Cast("int8", T.bitwise_or(T.bitwise_and(int32(first), 15), T.shift_left(int32(second), T.int32(4))))


class PackedRows(Rows):
    """Rows of packed elements, widened to int16 without their sign."""

    group = LANES
    order_in_group = (0, 4, 1, 5, 2, 6, 3, 7)

    @property
    def line(self) -> int:
        return super().line // 2

    def widen(self, x: Buffer, source: Expr, ring: Ring, slot: Expr | int) -> None:
        forget(ring.words.data)
        count = self.columns * self.depth
        if self.grouped:
            with T.serial(count // LANES) as i:
                for j, two in enumerate(unsigned(bind("eight", load_word(x, source + i * 4)))):
                    T.buffer_store(ring.words, two, [slot + self.before + i * 4 + j])
            return
        with T.serial(count // 2) as i:
            byte = bind("byte", T.bitwise_xor(int32(x[source + i]), 0x88))
            pair = T.bitwise_or(T.bitwise_and(byte, 15), T.shift_left(T.bitwise_and(byte, 0xF0), T.int32(12)))
            T.buffer_store(ring.words, pair, [slot + self.before + i])
