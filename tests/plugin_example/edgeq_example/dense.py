"""A fully connected layer that reads each input once and adds it to all outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Writes
from edgeq.targets.portable.fixed_point import Requantizer, int32
from edgeq.targets.portable.tables import Channels, Weights

if TYPE_CHECKING:
    from edgeq.program.ops import Dense
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def dense_by_input(op: Dense, program: Program, target: Target) -> Generated:
    """Matrix product with weights in the order (k, o) and accumulators in working memory."""
    rows, (o, k) = op.rows, op.weight.shape
    weights = Weights(op.weight.T.reshape(-1), op.weight_bits)
    channels = Channels(op.bias, op.requantize)
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"),
        w_ptr: T.handle("int8"),
        table_ptr: T.handle("int32"),
        acc_ptr: T.handle("int32"),
        y_ptr: T.handle("int8"),
    ):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((rows * k,), "int8", data=x_ptr)
        w = T.decl_buffer((weights.size,), "int8", data=w_ptr)
        table = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        acc = T.decl_buffer((o,), "int32", data=acc_ptr)
        y = T.decl_buffer((rows * o,), "int8", data=y_ptr)
        for row in T.serial(rows):
            for oc in T.serial(o):
                acc[oc] = table[oc]
            for i, oc in T.grid(k, o):
                acc[oc] += int32(x[row * k + i]) * weights.load(w, i * o + oc)
            for oc in T.serial(o):
                y[row * o + oc] = channels.requantize(form, acc[oc], table, oc)

    operands = (Reads(op.x), weights.table, channels.table, Scratch("int32", 4 * o), Writes(op.y))
    return Generated(kernel, operands)
