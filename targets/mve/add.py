"""Addition of four elements at a time.

y may be the very memory of an operand: what a vector holds is read before it is written, and read once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.program.ops import View
from edgeq.targets.mve.intrinsics import WORDS, add_product
from edgeq.targets.mve.requantize import words_of
from edgeq.targets.portable.fixed_point import bind, clamp, int32
from edgeq.targets.portable.views import dense_view, merge, place

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Add
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def fits_vectors(op: Add) -> bool:
    """True for additions of rows: the elements of each loop lie side by side, at least four of them."""
    views = _views(op)
    return all(view.strides[-1] == 1 for view in views) and views[0].sizes[-1] >= WORDS


def add(op: Add, program: Program, target: Target) -> Generated:
    """y = clamp((x1 * m1 + x2 * m2 + c) >> shift): one rounding for both operands."""
    x1_size, x2_size, y_size = (program.buffer[name].size for name in (op.x1, op.x2, op.y))
    views = _views(op)
    rows, inner = tuple(map(_rows, views)), views[0].sizes[-1]
    whole = inner // WORDS
    together = max(n for n in (1, 2, 4) if whole % n == 0)

    def places(row: Expr) -> list[Expr]:
        return [place(view, row) for view in rows]

    def vectors(x1: Buffer, x2: Buffer, y: Buffer, start: Expr, at: tuple[Expr, Expr, Expr]) -> None:
        for i in range(0, together * WORDS, WORDS):
            first, second, to = (T.Ramp(place + start + i, 1, WORDS) for place in at)
            a, b = bind("a", T.Cast("int32x4", x1[first])), bind("b", T.Cast("int32x4", x2[second]))
            T.buffer_store(y, T.Cast("int8x4", _sum(op, a, b)), [to])

    @T.prim_func(private=True)
    def kernel(x1_ptr: T.handle("int8"), x2_ptr: T.handle("int8"), y_ptr: T.handle("int8")):
        x1 = T.decl_buffer((x1_size,), "int8", data=x1_ptr)
        x2 = T.decl_buffer((x2_size,), "int8", data=x2_ptr)
        y = T.decl_buffer((y_size,), "int8", data=y_ptr)
        for row in T.grid(*rows[0].sizes):
            first, second, to = places(row)
            for i in T.serial(whole // together):
                vectors(x1, x2, y, i * (together * WORDS), (first, second, to))
            for i in T.serial(whole * WORDS, inner):
                acc: T.let[T.int32] = int32(x1[first + i]) * op.m1 + int32(x2[second + i]) * op.m2 + op.c
                y[to + i] = clamp(T.shift_right(acc, op.shift), op.lo, op.hi, "int8")

    return Generated(kernel, (Reads(op.x1), Reads(op.x2), Writes(op.y)))


def _views(op: Add) -> tuple[View, ...]:
    return merge((op.view1, op.view2, dense_view(op.view1.sizes)))


def _rows(view: View) -> View:
    """The loops around the innermost one."""
    return View(view.sizes[:-1] or (1,), view.strides[:-1] or (0,), view.offset)


def _sum(op: Add, a: Expr, b: Expr) -> Expr:
    """int32x4 outputs of int32x4 operands."""
    acc = add_product(a * words_of(op.m1) + words_of(op.c), b, T.int32(op.m2))
    shifted = T.shift_right(acc, words_of(op.shift)) if op.shift else acc
    return T.max(T.min(shifted, words_of(op.hi)), words_of(op.lo))
