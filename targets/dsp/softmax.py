"""Softmax over the last axis: the maximum of four elements at a time, then one division for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.assembly import opaque
from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.quant.tables import SOFTMAX_QUOTIENT_BITS
from edgeq.targets.dsp.intrinsics import larger_bytes, load_word
from edgeq.targets.dsp.requantize import SmmulRequantizer, doubled
from edgeq.targets.portable.fixed_point import bind, int32
from edgeq.targets.portable.softmax import ROW_LIMIT

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

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
    """y = requantize((e * 2^14 + sum / 2) / sum), e = table[max - x]."""
    rows, n, y_dtype = op.rows, op.n, program.buffer[op.y].dtype
    scaled = doubled(op.requantize)
    form, factor = SmmulRequantizer(scaled, target, y_dtype), int(scaled.multiplier[0])
    step = max(s for s in range(1, UNROLL + 1) if n % s == 0)

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle("int8"), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((rows * n,), "int8", data=x_ptr)
        table = T.decl_buffer((256,), "int32", data=table_ptr)
        y = T.decl_buffer((rows * n,), y_dtype, data=y_ptr)
        largest = T.alloc_buffer((1,), "int32", scope="local")
        total = T.alloc_buffer((1,), "int32", scope="local")
        # Opaque: LLVM would make more instructions than one multiplication of a power of two.
        multiplier = bind("multiplier", opaque(T.int32(factor)))
        for row in T.serial(rows):
            peak: T.let[T.int32] = largest_of(x, row * n, n, largest)
            total[0] = 0
            for i in T.serial(times(n // step)):
                at = bind("at", opaque(row * n + i * step))
                for j in range(step):
                    total[0] += table[peak - int32(x[at + j])]
            half: T.let[T.int32] = T.shift_right(total[0], 1)
            for i in T.serial(times(n // step)):
                at = bind("at", opaque(row * n + i * step))
                for j in range(step):
                    e = bind("e", table[peak - int32(x[at + j])])
                    quotient = T.truncdiv(e * (1 << SOFTMAX_QUOTIENT_BITS) + half, total[0])
                    y[at + j] = form(quotient, multiplier)

    return Generated(kernel, (Reads(op.x), Table(op.table, "constants"), Writes(op.y)))
