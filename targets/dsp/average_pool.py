"""Average pooling over NHWC, four channels at a time: their sums are halves of two words, SXTAB16 adds a tap."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.dsp.intrinsics import add_even_bytes, add_odd_bytes, load_word
from edgeq.targets.dsp.packed import RAISED, both, unsigned
from edgeq.targets.dsp.pool import LANES, Taps, is_in_words
from edgeq.targets.dsp.requantize import SmmulRequantizer, doubled
from edgeq.targets.portable.fixed_point import bind, int32

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import AveragePool
    from edgeq.program.program import Program
    from edgeq.targets.dsp.pool import Visit
    from edgeq.targets.target import Target

MOST_TAPS = 256
"""Of int8 elements whose sum fits a half."""

WORDS, WORDS_OF_PACKED = 2, 4
"""Of sums in halves, for the channels of a word."""


def sums_in_halves(op: AveragePool) -> bool:
    """True for the pooling that this kernel does."""
    return is_in_words(op) and op.kernel[0] * op.kernel[1] <= MOST_TAPS and not op.requantize.right


def average_pool(op: AveragePool, program: Program, target: Target) -> Generated:
    """Sum of the window's valid elements, requantized; the last word of channels ends with the pixel.

    Where windows differ in their divisor, each output position reads its own multiplier from a table.
    """
    x_buffer, y_buffer = program.buffer[op.x], program.buffer[op.y]
    op, words = (of_bytes(op), WORDS_OF_PACKED) if x_buffer.packed else (op, WORDS)
    (n, _, _, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    x_size, y_size, y_dtype = x_buffer.units, y_buffer.units, y_buffer.dtype
    taps, scaled, unit = Taps(op), doubled(op.requantize), y_size // (n * oh * ow * c)
    form = SmmulRequantizer(scaled, target, y_dtype)
    per_position = scaled.multiplier[op.counts.reshape(-1)]
    uniform = len(np.unique(per_position)) == 1
    multipliers = Table(per_position[:1] if uniform else per_position, "constants")
    positions, always_inside, every = len(multipliers.data), taps.window.always_inside, op.kernel[0] * op.kernel[1]

    def finish(acc: Buffer, count: Expr, multiplier: Expr, y: Buffer, at: Expr) -> None:
        zeros, multiplier = bind("zeros", count * op.x_zero_point), bind("multiplier", multiplier)
        results = [form(total - zeros, multiplier) for total in sums(acc, words)]
        if y_buffer.packed:
            results = [both(*two) for two in zip(results[::2], results[1::2], strict=True)]
        for i, result in enumerate(results):
            T.buffer_store(y, result, [at + i])

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle("int8"), m_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((x_size,), "int8", data=x_ptr)
        m = T.decl_buffer((positions,), "int32", data=m_ptr)
        y = T.decl_buffer((y_size,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((words,), "int32", scope="local")
        for b, oy, ox, group in T.grid(n, oh, ow, -(-c // LANES)):
            channel: T.let[T.int32] = T.min(group * LANES, c - LANES)
            position: T.let[T.int32] = 0 if uniform else oy * ow + ox
            for i in range(words):
                acc[i] = 0
            taps.emit(b, oy, ox, channel, add(x, acc, words))
            count: T.let[T.int32] = every if always_inside else taps.count(oy, ox)
            finish(acc, count, m[position], y, (((b * oh + oy) * ow + ox) * c + channel) * unit)

    distance = row_distance(op, program, buffered=False)
    return Generated(kernel, (Reads(op.x), multipliers, Writes(op.y)), distance)


def add(x: Buffer, acc: Buffer, words: int) -> Visit:
    """What adds a word of an image to sums in so many words of halves."""

    def visit(at: Expr) -> None:
        word = bind("word", load_word(x, at))
        if words == WORDS:
            T.buffer_store(acc, add_even_bytes(acc[0], word), [0])
            T.buffer_store(acc, add_odd_bytes(acc[1], word), [1])
            return
        for i, two in enumerate(unsigned(word)):
            T.buffer_store(acc, acc[i] + two, [i])

    return visit


def sums(acc: Buffer, words: int) -> list[Expr]:
    """The sums of channels, in order."""
    low = [int32(T.Cast("int16", acc[i])) for i in range(words)]
    return [*low, *(T.shift_right(acc[i], 16) for i in range(words))]


def of_bytes(op: AveragePool) -> AveragePool:
    """Pooling of packed elements as one of their bytes, for elements without their sign."""
    x_shape, y_shape = ((*s[:3], s[3] // 2) for s in (op.x_shape, op.y_shape))
    return replace(op, x_shape=x_shape, y_shape=y_shape, x_zero_point=op.x_zero_point + RAISED)
