"""Softmax over the last axis: the maximum of four elements at a time, then one division for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.assembly import opaque
from edgeq.quant.tables import SOFTMAX_QUOTIENT_BITS
from edgeq.targets.dsp.intrinsics import larger_bytes, load_word
from edgeq.targets.dsp.requantize import SmmulRequantizer, doubled
from edgeq.targets.portable.fixed_point import bind, int32
from edgeq.targets.portable.softmax import ROW_LIMIT, Row, softmax_by_rows

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.lower.generated import Generated
    from edgeq.program.ops import Softmax
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

LANES = 4
"""Elements of a word."""

UNROLL = 6
"""Elements of one unrolled step at most."""


def is_short(op: Softmax) -> bool:
    """True for the rows that this kernel does: of a word at least, and whose sum fits 31 bits."""
    return LANES <= op.n < ROW_LIMIT and not op.requantize.right


def times(count: int) -> Expr:
    """Length of a loop that LLVM does not know: it would unroll it; so it would with no opaque index inside."""
    return opaque(T.int32(count))


def largest_of(x: Buffer, first: Expr, n: int, largest: Buffer) -> Expr:
    """The largest of n elements from number `first` on; the last word ends with them."""
    T.buffer_store(largest, load_word(x, first + n - LANES), [0])
    with T.serial(times(n // LANES)) as i:
        T.buffer_store(largest, larger_bytes(largest[0], load_word(x, first + i * LANES)), [0])
    two = bind("two", larger_bytes(largest[0], T.shift_right(largest[0], 16)))
    return int32(T.Cast("int8", larger_bytes(two, T.shift_right(two, 8))))


def softmax(op: Softmax, program: Program, target: Target) -> Generated:
    """Softmax by steps of several elements."""
    n, scaled = op.n, doubled(op.requantize)
    form, factor = SmmulRequantizer(scaled, target, program.buffer[op.y].dtype), int(scaled.multiplier[0])
    step = max(s for s in range(1, UNROLL + 1) if n % s == 0)

    def emit(row: Row) -> None:
        # Opaque: LLVM would make more instructions than one multiplication of a power of two.
        multiplier = bind("multiplier", opaque(T.int32(factor)))
        peak = bind("peak", largest_of(row.x, row.first, n, row.largest))
        T.buffer_store(row.total, T.int32(0), [0])
        with T.serial(times(n // step)) as i:
            at = bind("at", opaque(row.first + i * step))
            for j in range(step):
                T.buffer_store(row.total, row.total[0] + row.exponential(peak, at + j), [0])
        half = bind("half", T.shift_right(row.total[0], 1))
        with T.serial(times(n // step)) as i:
            at = bind("at", opaque(row.first + i * step))
            for j in range(step):
                e = bind("e", row.exponential(peak, at + j))
                quotient = T.truncdiv(e * (1 << SOFTMAX_QUOTIENT_BITS) + half, row.total[0])
                T.buffer_store(row.y, form(quotient, multiplier), [at + j])

    return softmax_by_rows(op, form.dtype, emit)
