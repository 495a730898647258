"""Moving elements: between views, with or without a change of scale, and filling with one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.program.planner import in_place_operands
from edgeq.targets.portable.fixed_point import Requantizer, int32
from edgeq.targets.portable.views import merge, place

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.program.ops import Copy, Fill
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def copy(op: Copy, program: Program, target: Target) -> Generated:
    """Copies the elements of one view to another of equal sizes, requantizing x - zx where asked."""
    x_buffer, y_buffer = program.buffer[op.x], program.buffer[op.y]
    x_dtype, x_size, y_dtype, y_size = x_buffer.dtype, x_buffer.size, y_buffer.dtype, y_buffer.size
    x_view, y_view = merge((op.x_view, op.y_view))
    sizes, noalias = x_view.sizes, not in_place_operands(op)
    form = Requantizer(op.requantize, target, y_dtype) if op.requantize is not None else None

    def moved(x: Expr) -> Expr:
        return x.astype(y_dtype) if form is None else form.scalar(int32(x) - op.x_zero_point)

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle(x_dtype), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": noalias})
        x = T.decl_buffer((x_size,), x_dtype, data=x_ptr)
        y = T.decl_buffer((y_size,), y_dtype, data=y_ptr)
        for i in T.grid(*sizes):
            y[place(y_view, i)] = moved(x[place(x_view, i)])

    return Generated(kernel, (Reads(op.x), Writes(op.y)))


def fill(op: Fill, program: Program, target: Target) -> Generated:
    """Sets every element to one value."""
    size, dtype, value = program.buffer[op.y].size, program.buffer[op.y].dtype, op.value

    @T.prim_func(private=True)
    def kernel(y_ptr: T.handle(dtype)):
        y = T.decl_buffer((size,), dtype, data=y_ptr)
        for i in T.serial(size):
            y[i] = T.Cast(dtype, value)

    return Generated(kernel, (Writes(op.y),))
