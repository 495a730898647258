"""Softmax over the last axis, in integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.errors import UnsupportedError
from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.quant.tables import SOFTMAX_QUOTIENT_BITS
from edgeq.targets.portable.division import restoring_division
from edgeq.targets.portable.fixed_point import Requantizer, bind, int32, local

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Softmax
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

ROW_LIMIT = 1 << 15
"""Elements of a row, exclusive: each adds at most 2^16 to a sum that must stay below 2^31."""


@dataclass(frozen=True, eq=False)
class Row:
    """What the code of a row works on.

    Attributes:
        x, y: Input and output.
        table: Exponentials of how far elements lie below the largest one.
        largest, total: Of the row, one element each.
        first: Number of its first element.
    """

    x: Buffer
    y: Buffer
    table: Buffer
    largest: Buffer
    total: Buffer
    first: Expr

    def exponential(self, largest: Expr, at: Expr) -> Expr:
        """That of element number `at`."""
        return self.table[largest - int32(self.x[at])]


def softmax_by_rows(op: Softmax, y_dtype: str, emit: Callable[[Row], None]) -> Generated:
    """A kernel that has the code that `emit` writes for each row.

    y = requantize((e * 2^14 + sum / 2) / sum), e = table[max - x].
    """
    rows, n = op.rows, op.n

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle("int8"), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((rows * n,), "int8", data=x_ptr)
        table = T.decl_buffer((256,), "int32", data=table_ptr)
        y = T.decl_buffer((rows * n,), y_dtype, data=y_ptr)
        largest = T.alloc_buffer((1,), "int32", scope="local")
        total = T.alloc_buffer((1,), "int32", scope="local")
        for row in T.serial(rows):
            emit(Row(x, y, table, largest, total, row * n))

    return Generated(kernel, (Reads(op.x), Table(op.table, "constants"), Writes(op.y)))


def softmax(op: Softmax, program: Program, target: Target) -> Generated:
    """Softmax by plain loops. Where the target cannot divide, the quotient is found bit by bit, without a library call.

    Raises:
        UnsupportedError: The rows are too long for a 32-bit sum.
    """
    if op.n >= ROW_LIMIT:
        raise UnsupportedError(
            f"softmax over {op.n} elements", node=op.name, fix=f"at most {ROW_LIMIT - 1} elements are possible"
        )
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)
    divides = "divide" in target.features

    def emit(row: Row) -> None:
        quotient = local("quotient", 1)
        T.buffer_store(row.largest, T.int32(-128), [0])
        with T.serial(op.n) as i:
            T.buffer_store(row.largest, T.max(row.largest[0], int32(row.x[row.first + i])), [0])
        T.buffer_store(row.total, T.int32(0), [0])
        with T.serial(op.n) as i:
            T.buffer_store(row.total, row.total[0] + row.exponential(row.largest[0], row.first + i), [0])
        with T.serial(op.n) as i:
            e = bind("e", row.exponential(row.largest[0], row.first + i))
            dividend = bind("dividend", e * (1 << SOFTMAX_QUOTIENT_BITS) + T.shift_right(row.total[0], 1))
            if divides:
                T.buffer_store(quotient, T.truncdiv(dividend, row.total[0]), [0])
            else:
                restoring_division(dividend, row.total[0], quotient)
            T.buffer_store(row.y, form.scalar(quotient[0]), [row.first + i])

    return softmax_by_rows(op, form.dtype, emit)
