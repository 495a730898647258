"""Depthwise convolution: each channel has its own kernel; neighbouring channels are summed side by side."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.portable.fixed_point import Requantizer, accumulator, int32
from edgeq.targets.portable.tables import Channels, Weights
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

BLOCK = 8
"""Channels summed side by side: one 256-bit vector of int32 accumulators."""


def one_output_per_channel(op: Conv2D) -> bool:
    """True for the depthwise convolutions that this kernel does: input channel c makes output channel c only."""
    return op.depthwise and op.y_shape[3] == op.x_shape[3]


def depthwise(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution with weights in the order (kh, kw, c): contiguous along channels, as the image is."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    _, kh, kw, _ = op.weight.shape
    window = Window(op, (kh, kw))
    weights = Weights(op.weight.transpose(1, 2, 3, 0).reshape(-1), op.weight_bits)
    channels = Channels(op.bias, op.requantize)
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)
    x_dtype, w_dtype, y_dtype = program.buffer[op.x].dtype, weights.dtype, form.dtype
    acc_dtype, zero_point, block = accumulator(op.requantize), op.x_zero_point, gcd(c, BLOCK)

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle(x_dtype), w_ptr: T.handle(w_dtype), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), x_dtype, data=x_ptr)
        w = T.decl_buffer((weights.size,), w_dtype, data=w_ptr)
        table = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((n * oh * ow * c,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((block,), acc_dtype, scope="local")
        for b, oy, ox, group in T.grid(n, oh, ow, c // block):
            first: T.let[T.int32] = group * block
            for i in T.serial(block):
                acc[i] = table[first + i].astype(acc_dtype)
            for ky, kx in T.grid(kh, kw):
                iy: T.let[T.int32] = window.row(oy, ky)
                ix: T.let[T.int32] = window.column(ox, kx)
                w_tap: T.let[T.int32] = (ky * kw + kx) * c + first
                if window.inside(iy, ix):
                    x_tap: T.let[T.int32] = ((b * ih + iy) * iw + ix) * c + first
                    for i in T.serial(block):
                        acc[i] += (int32(x[x_tap + i]) * weights.load(w, w_tap + i)).astype(acc_dtype)
                elif zero_point != 0:
                    for i in T.serial(block):
                        acc[i] += (zero_point * weights.load(w, w_tap + i)).astype(acc_dtype)
            for i in T.serial(block):
                y[((b * oh + oy) * ow + ox) * c + first + i] = channels.requantize(form, acc[i], table, first + i)

    distance = row_distance(op, program, buffered=False)
    return Generated(kernel, (Reads(op.x), weights.table, channels.table, Writes(op.y)), distance)
