"""Look-up of rows in a constant table, as embeddings are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.targets.portable.fixed_point import int32

if TYPE_CHECKING:
    from edgeq.program.ops import Gather
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def gather(op: Gather, program: Program, target: Target) -> Generated:
    """y[i] = table[clip(x[i])]: a position outside the table reads its nearest row, never other memory."""
    (rows, depth), count = op.table.shape, program.buffer[op.x].size
    x_dtype, y_dtype = program.buffer[op.x].dtype, program.buffer[op.y].dtype

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle(x_dtype), table_ptr: T.handle(y_dtype), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((count,), x_dtype, data=x_ptr)
        table = T.decl_buffer((rows * depth,), y_dtype, data=table_ptr)
        y = T.decl_buffer((count * depth,), y_dtype, data=y_ptr)
        for i in T.serial(count):
            row: T.let[T.int32] = T.min(T.max(int32(x[i]), 0), rows - 1)
            for j in T.serial(depth):
                y[i * depth + j] = table[row * depth + j]

    return Generated(kernel, (Reads(op.x), Table(op.table.reshape(-1), "weights"), Writes(op.y)))
