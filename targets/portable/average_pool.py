"""Average pooling over NHWC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm import tirx
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.portable.fixed_point import Requantizer, accumulator, int32
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from edgeq.program.ops import AveragePool
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def average_pool(op: AveragePool, program: Program, target: Target) -> Generated:
    """Sum of the window's valid elements, requantized with the multiplier of its divisor.

    Where windows differ in their divisor, each output position reads its own multiplier from a table.
    """
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    (kh, kw), window = op.kernel, Window(op, op.kernel)
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)
    x_dtype, y_dtype = program.buffer[op.x].dtype, form.dtype
    acc_dtype, zero_point = accumulator(op.requantize), op.x_zero_point
    per_position = op.requantize.multiplier[op.counts.reshape(-1)]
    uniform = bool((per_position == per_position[0]).all())
    multipliers = Table(per_position[:1] if uniform else per_position, "constants")
    zero = tirx.const(0, acc_dtype)
    positions = len(multipliers.data)

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle(x_dtype), m_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), x_dtype, data=x_ptr)
        m = T.decl_buffer((positions,), "int32", data=m_ptr)
        y = T.decl_buffer((n * oh * ow * c,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((1,), acc_dtype, scope="local")
        for b, oy, ox, ch in T.grid(n, oh, ow, c):
            acc[0] = zero
            for ky, kx in T.grid(kh, kw):
                iy: T.let[T.int32] = window.row(oy, ky)
                ix: T.let[T.int32] = window.column(ox, kx)
                if window.inside(iy, ix):
                    acc[0] += (int32(x[((b * ih + iy) * iw + ix) * c + ch]) - zero_point).astype(acc_dtype)
            y[((b * oh + oy) * ow + ox) * c + ch] = form(acc[0], m[0 if uniform else oy * ow + ox])

    return Generated(kernel, (Reads(op.x), multipliers, Writes(op.y)), row_distance(op, program, buffered=False))
