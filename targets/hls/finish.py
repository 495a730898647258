"""One row of accumulators to one row of outputs, one element per cycle: every stage has a single requantizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.targets.hls.rows import PIPELINE
from edgeq.targets.portable.fixed_point import Requantizer, clamp

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr, PrimFunc

    from edgeq.program.ops import AveragePool, MaxPool, Requantize
    from edgeq.targets.hls.geometry import Geometry


def multiplier_table(requantize: Requantize) -> np.ndarray:
    """int32: the multipliers, one or one per channel, and behind them those of negative accumulators."""
    parts = [requantize.multiplier] + ([] if requantize.negative is None else [requantize.negative])
    return np.concatenate(parts).astype(np.int32)


def requantized_row(shape: Geometry, form: Requantizer, acc_dtype: str) -> PrimFunc:
    """y[ox, o] = requantize(acc[ox, o]) with the multiplier of channel o."""
    o, ow, y_dtype = shape.out_channels, shape.out_width, form.dtype
    size, count = len(multiplier_table(form.requantize)), len(form.requantize.multiplier)

    def requantized(acc: Expr, table: Buffer, channel: Expr) -> Expr:
        place = channel if count > 1 else 0
        return form(acc, table[place], None if size == count else table[count + place])

    @T.prim_func(private=True)
    def kernel(acc_ptr: T.handle(acc_dtype), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": True})
        acc = T.decl_buffer((ow * o,), acc_dtype, data=acc_ptr)
        table = T.decl_buffer((size,), "int32", data=table_ptr)
        y = T.decl_buffer((ow * o,), y_dtype, data=y_ptr)
        for ox in T.serial(ow):
            for oc in T.serial(o, annotations=PIPELINE):
                y[ox * o + oc] = requantized(acc[ox * o + oc], table, oc)

    return kernel


def averaged_row(shape: Geometry, op: AveragePool, form: Requantizer) -> PrimFunc:
    """y[ox, c] = requantize(acc[ox, c]) with the multiplier for the number of elements at output row oy."""
    o, ow, y_dtype, oh = shape.out_channels, shape.out_width, form.dtype, shape.out_height
    multipliers = len(op.requantize.multiplier)

    @T.prim_func(private=True)
    def kernel(
        acc_ptr: T.handle("int32"),
        table_ptr: T.handle("int32"),
        counts_ptr: T.handle("int32"),
        y_ptr: T.handle(y_dtype),
        oy: T.int32,
    ):
        T.func_attr({"tirx.noalias": True})
        acc = T.decl_buffer((ow * o,), "int32", data=acc_ptr)
        table = T.decl_buffer((multipliers,), "int32", data=table_ptr)
        counts = T.decl_buffer((oh * ow,), "int32", data=counts_ptr)
        y = T.decl_buffer((ow * o,), y_dtype, data=y_ptr)
        for ox in T.serial(ow):
            for oc in T.serial(o, annotations=PIPELINE):
                y[ox * o + oc] = form(acc[ox * o + oc], table[counts[oy * ow + ox]])

    return kernel


def limited_row(shape: Geometry, op: MaxPool, y_dtype: str) -> PrimFunc:
    """y[ox, c] = acc[ox, c] within the operator's limits."""
    o, ow = shape.out_channels, shape.out_width

    @T.prim_func(private=True)
    def kernel(acc_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": True})
        acc = T.decl_buffer((ow * o,), "int32", data=acc_ptr)
        y = T.decl_buffer((ow * o,), y_dtype, data=y_ptr)
        for ox in T.serial(ow):
            for oc in T.serial(o, annotations=PIPELINE):
                y[ox * o + oc] = clamp(acc[ox * o + oc], op.lo, op.hi, y_dtype)

    return kernel
