"""Addition of int4 activations two to a byte: both in turn, stored together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.program.planner import is_dense
from edgeq.targets.dsp.intrinsics import saturate, signed_field
from edgeq.targets.dsp.packed import both
from edgeq.targets.portable.fixed_point import bind, int32

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.program.ops import Add
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

BITS = 4


def never(op: Add) -> bool:
    """Of elements that are not packed."""
    return False


def is_packed_add(op: Add, program: Program) -> bool:
    """True for the additions that this kernel does: all of whole packed bytes at equal places."""
    all_packed = all(program.buffer[name].packed for name in (op.x1, op.x2, op.y))
    return all_packed and is_dense(op.view1) and is_dense(op.view2) and int(np.prod(op.view1.sizes)) % 2 == 0


def packed_add(op: Add, program: Program, target: Target) -> Generated:
    """y = clamp((x1 * m1 + x2 * m2 + c) >> shift)."""
    size, whole = program.buffer[op.y].units, (op.lo, op.hi) == (-8, 7)

    def sum_of(x1: Expr, x2: Expr) -> Expr:
        total = T.shift_right(x1 * op.m1 + x2 * op.m2 + op.c, op.shift)
        return saturate(total, BITS) if whole else T.max(T.min(total, op.hi), op.lo)

    @T.prim_func(private=True)
    def kernel(x1_ptr: T.handle("int8"), x2_ptr: T.handle("int8"), y_ptr: T.handle("int8")):
        x1 = T.decl_buffer((size,), "int8", data=x1_ptr)
        x2 = T.decl_buffer((size,), "int8", data=x2_ptr)
        y = T.decl_buffer((size,), "int8", data=y_ptr)
        for i in T.serial(size):
            a: T.let[T.int32] = int32(x1[i])
            b: T.let[T.int32] = int32(x2[i])
            low = bind("low", sum_of(signed_field(a, 0, BITS), signed_field(b, 0, BITS)))
            y[i] = both(low, sum_of(T.shift_right(a, BITS), T.shift_right(b, BITS)))

    return Generated(kernel, (Reads(op.x1), Reads(op.x2), Writes(op.y)))
