"""Softmax over the last axis, in integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.errors import UnsupportedError
from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.quant.tables import SOFTMAX_QUOTIENT_BITS
from edgeq.targets.portable.division import restoring_division
from edgeq.targets.portable.fixed_point import Requantizer, int32

if TYPE_CHECKING:
    from edgeq.program.ops import Softmax
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

ROW_LIMIT = 1 << 15
"""Elements of a row, exclusive: each adds at most 2^16 to a sum that must stay below 2^31."""


def softmax(op: Softmax, program: Program, target: Target) -> Generated:
    """y = requantize((e * 2^14 + sum / 2) / sum), e = table[max - x].

    Where the target cannot divide, the quotient is found bit by bit, without a library call.

    Raises:
        UnsupportedError: The rows are too long for a 32-bit sum.
    """
    if op.n >= ROW_LIMIT:
        raise UnsupportedError(
            f"softmax over {op.n} elements", node=op.name, fix=f"at most {ROW_LIMIT - 1} elements are possible"
        )
    rows, n = op.rows, op.n
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)
    y_dtype, divides = form.dtype, "divide" in target.features

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle("int8"), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((rows * n,), "int8", data=x_ptr)
        table = T.decl_buffer((256,), "int32", data=table_ptr)
        y = T.decl_buffer((rows * n,), y_dtype, data=y_ptr)
        largest = T.alloc_buffer((1,), "int32", scope="local")
        total = T.alloc_buffer((1,), "int32", scope="local")
        quotient = T.alloc_buffer((1,), "int32", scope="local")
        for row in T.serial(rows):
            largest[0] = -128
            for i in T.serial(n):
                largest[0] = T.max(largest[0], int32(x[row * n + i]))
            total[0] = 0
            for i in T.serial(n):
                total[0] += table[largest[0] - int32(x[row * n + i])]
            for i in T.serial(n):
                e: T.let[T.int32] = table[largest[0] - int32(x[row * n + i])]
                dividend: T.let[T.int32] = e * (1 << SOFTMAX_QUOTIENT_BITS) + T.shift_right(total[0], 1)
                if divides:
                    quotient[0] = T.truncdiv(dividend, total[0])
                else:
                    restoring_division(dividend, total[0], quotient)
                y[row * n + i] = form.scalar(quotient[0])

    return Generated(kernel, (Reads(op.x), Table(op.table, "constants"), Writes(op.y)))
