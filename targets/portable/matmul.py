"""Product of matrices that are both computed, as attention takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.targets.portable.fixed_point import Requantizer, accumulator, int32

if TYPE_CHECKING:
    from edgeq.program.ops import MatMul
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def matmul(op: MatMul, program: Program, target: Target) -> Generated:
    """Rows of x1 times rows of x2: both operands of the inner loop are contiguous."""
    batch, m, n, k = op.batch, op.m, op.n, op.k
    zero1, zero2 = op.x1_zero_point, op.x2_zero_point
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)
    x1_dtype, x2_dtype, y_dtype = program.buffer[op.x1].dtype, program.buffer[op.x2].dtype, form.dtype
    acc_dtype = accumulator(op.requantize)

    @T.prim_func(private=True)
    def kernel(x1_ptr: T.handle(x1_dtype), x2_ptr: T.handle(x2_dtype), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": True})
        x1 = T.decl_buffer((batch * m * k,), x1_dtype, data=x1_ptr)
        x2 = T.decl_buffer((batch * n * k,), x2_dtype, data=x2_ptr)
        y = T.decl_buffer((batch * m * n,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((1,), acc_dtype, scope="local")
        for b, row, column in T.grid(batch, m, n):
            acc[0] = T.Cast(acc_dtype, 0)
            for i in T.serial(k):
                left: T.let[T.int32] = int32(x1[(b * m + row) * k + i]) - zero1
                right: T.let[T.int32] = int32(x2[(b * n + column) * k + i]) - zero2
                acc[0] += (left * right).astype(acc_dtype)
            y[(b * m + row) * n + column] = form.scalar(acc[0])

    return Generated(kernel, (Reads(op.x1), Reads(op.x2), Writes(op.y)))
