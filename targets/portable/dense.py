"""Fully connected layer: rows of x times a constant matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.targets.portable.fixed_point import Requantizer, accumulator, int32
from edgeq.targets.portable.tables import Channels, Weights

if TYPE_CHECKING:
    from edgeq.program.ops import Dense
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def dense(op: Dense, program: Program, target: Target) -> Generated:
    """Matrix product with weights in the order (o, k): both operands of the inner loop are contiguous."""
    rows, (o, k) = op.rows, op.weight.shape
    weights = Weights(op.weight.reshape(-1), op.weight_bits)
    channels = Channels(op.bias, op.requantize)
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)
    x_dtype, w_dtype, y_dtype = program.buffer[op.x].dtype, weights.dtype, form.dtype
    acc_dtype = accumulator(op.requantize)

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle(x_dtype), w_ptr: T.handle(w_dtype), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)
    ):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((rows * k,), x_dtype, data=x_ptr)
        w = T.decl_buffer((weights.size,), w_dtype, data=w_ptr)
        table = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((rows * o,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((1,), acc_dtype, scope="local")
        for row, oc in T.grid(rows, o):
            acc[0] = table[oc].astype(acc_dtype)
            for i in T.serial(k):
                acc[0] += (int32(x[row * k + i]) * weights.load(w, oc * k + i)).astype(acc_dtype)
            y[row * o + oc] = channels.requantize(form, acc[0], table, oc)

    return Generated(kernel, (Reads(op.x), weights.table, channels.table, Writes(op.y)))
