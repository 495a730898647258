"""Maximum pooling over NHWC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.portable.fixed_point import clamp, int32
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from edgeq.program.ops import MaxPool
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def max_pool(op: MaxPool, program: Program, target: Target) -> Generated:
    """Maximum of the window's valid elements."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    (kh, kw), window = op.kernel, Window(op, op.kernel)
    x_dtype, y_dtype, lo, hi = program.buffer[op.x].dtype, program.buffer[op.y].dtype, op.lo, op.hi
    lowest = int(np.iinfo(x_dtype).min)

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle(x_dtype), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), x_dtype, data=x_ptr)
        y = T.decl_buffer((n * oh * ow * c,), y_dtype, data=y_ptr)
        largest = T.alloc_buffer((1,), "int32", scope="local")
        for b, oy, ox, ch in T.grid(n, oh, ow, c):
            largest[0] = lowest
            for ky, kx in T.grid(kh, kw):
                iy: T.let[T.int32] = window.row(oy, ky)
                ix: T.let[T.int32] = window.column(ox, kx)
                if window.inside(iy, ix):
                    largest[0] = T.max(largest[0], int32(x[((b * ih + iy) * iw + ix) * c + ch]))
            y[((b * oh + oy) * ow + ox) * c + ch] = clamp(largest[0], lo, hi, y_dtype)

    return Generated(kernel, (Reads(op.x), Writes(op.y)), row_distance(op, program, buffered=False))
