"""Addition, multiplication, table look-up and interpolation, element by element.

y may be the very memory of an operand (see `program.planner.in_place_operands`), so the pointers may alias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.quant.tables import SEGMENT_BITS
from edgeq.targets.portable.fixed_point import Requantizer, clamp, int32
from edgeq.targets.portable.views import dense_view, merge, place

if TYPE_CHECKING:
    from collections.abc import Callable

    from tvm.tirx import Expr

    from edgeq.program.ops import Add, Interpolate, Lut, Mul
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def add(op: Add, program: Program, target: Target) -> Generated:
    """y = clamp((x1 * m1 + x2 * m2 + c) >> shift): one rounding for both operands."""
    y_dtype = program.buffer[op.y].dtype

    def sum_of(x1: Expr, x2: Expr) -> Expr:
        return clamp(T.shift_right(x1 * op.m1 + x2 * op.m2 + op.c, op.shift), op.lo, op.hi, y_dtype)

    return _binary(op, program, sum_of)


def mul(op: Mul, program: Program, target: Target) -> Generated:
    """y = requantize((x1 - zx1) * (x2 - zx2))."""
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)

    def product_of(x1: Expr, x2: Expr) -> Expr:
        return form.scalar((x1 - op.x1_zero_point) * (x2 - op.x2_zero_point))

    return _binary(op, program, product_of)


def _binary(op: Add | Mul, program: Program, combine: Callable[[Expr, Expr], Expr]) -> Generated:
    buffers = program.buffer[op.x1], program.buffer[op.x2], program.buffer[op.y]
    (x1_dtype, x2_dtype, y_dtype), (x1_size, x2_size, y_size) = zip(*((b.dtype, b.size) for b in buffers), strict=True)
    view1, view2, view_y = merge((op.view1, op.view2, dense_view(op.view1.sizes)))
    sizes = view_y.sizes

    @T.prim_func(private=True)
    def kernel(x1_ptr: T.handle(x1_dtype), x2_ptr: T.handle(x2_dtype), y_ptr: T.handle(y_dtype)):
        x1 = T.decl_buffer((x1_size,), x1_dtype, data=x1_ptr)
        x2 = T.decl_buffer((x2_size,), x2_dtype, data=x2_ptr)
        y = T.decl_buffer((y_size,), y_dtype, data=y_ptr)
        for i in T.grid(*sizes):
            y[place(view_y, i)] = combine(int32(x1[place(view1, i)]), int32(x2[place(view2, i)]))

    return Generated(kernel, (Reads(op.x1), Reads(op.x2), Writes(op.y)))


def lut(op: Lut, program: Program, target: Target) -> Generated:
    """y = table[x + 128]."""
    size, y_dtype = program.buffer[op.x].size, program.buffer[op.y].dtype

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle("int8"), table_ptr: T.handle(y_dtype), y_ptr: T.handle(y_dtype)):
        x = T.decl_buffer((size,), "int8", data=x_ptr)
        table = T.decl_buffer((256,), y_dtype, data=table_ptr)
        y = T.decl_buffer((size,), y_dtype, data=y_ptr)
        for i in T.serial(size):
            y[i] = table[int32(x[i]) + 128]

    return Generated(kernel, (Reads(op.x), Table(op.table, "constants"), Writes(op.y)))


def interpolate(op: Interpolate, program: Program, target: Target) -> Generated:
    """y = the straight line between two neighbours in the table, clamped."""
    size, y_dtype, shift, nodes = program.buffer[op.x].size, program.buffer[op.y].dtype, op.shift, len(op.table)
    span, half = 1 << SEGMENT_BITS, 1 << (op.shift - 1)

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle("int16"), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)):
        x = T.decl_buffer((size,), "int16", data=x_ptr)
        table = T.decl_buffer((nodes,), "int32", data=table_ptr)
        y = T.decl_buffer((size,), y_dtype, data=y_ptr)
        for i in T.serial(size):
            u: T.let[T.int32] = int32(x[i]) + 32768
            k: T.let[T.int32] = T.shift_right(u, SEGMENT_BITS)
            rise: T.let[T.int32] = (table[k + 1] - table[k]) * T.bitwise_and(u, span - 1)
            y[i] = clamp(T.shift_right(table[k] * span + rise + half, shift), op.lo, op.hi, y_dtype)

    return Generated(kernel, (Reads(op.x), Table(op.table, "constants"), Writes(op.y)))
