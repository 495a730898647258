"""Convolution over NHWC: one template for ordinary kernels, one for grouped or dilated ones.

An element outside the image counts as the input's zero point, whose share is folded into the bias: so a tap outside
still adds zero_point * weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.portable.fixed_point import Requantizer, accumulator, int32
from edgeq.targets.portable.tables import Channels, Weights
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from tvm.tirx import PrimFunc

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def conv2d(op: Conv2D, program: Program, target: Target) -> Generated:
    """Convolution with weights in the order (o, kh, kw, c / groups)."""
    weights = Weights(op.weight.reshape(-1), op.weight_bits)
    channels = Channels(op.bias, op.requantize)
    template = _rows if op.groups == 1 and op.dilations == (1, 1) else _taps
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)
    func = template(op, weights, channels, form, program.buffer[op.x].dtype)
    distance = row_distance(op, program, buffered=False)
    return Generated(func, (Reads(op.x), weights.table, channels.table, Writes(op.y)), distance)


def _rows(op: Conv2D, weights: Weights, channels: Channels, form: Requantizer, x_dtype: str) -> PrimFunc:
    """One kernel row at one pixel is contiguous in x and in the weights: the inner loop runs over (kw * c) products.

    The part of the kernel that lies inside the image is found once per output pixel, so no element is tested.
    """
    (n, ih, iw, c), (_, oh, ow, o) = op.x_shape, op.y_shape
    _, kh, kw, _ = op.weight.shape
    (sh, sw), (top, left, _, _) = op.strides, op.pads
    w_dtype, y_dtype, acc_dtype = weights.dtype, form.dtype, accumulator(op.requantize)
    zero_point = op.x_zero_point
    counts_outside = zero_point != 0 and not Window(op, (kh, kw)).always_inside

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle(x_dtype), w_ptr: T.handle(w_dtype), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), x_dtype, data=x_ptr)
        w = T.decl_buffer((weights.size,), w_dtype, data=w_ptr)
        table = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((n * oh * ow * o,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((1,), acc_dtype, scope="local")
        for b, oy, ox in T.grid(n, oh, ow):
            ky_first: T.let[T.int32] = T.max(0, top - oy * sh)
            ky_last: T.let[T.int32] = T.min(kh, ih + top - oy * sh)
            kx_first: T.let[T.int32] = T.max(0, left - ox * sw)
            kx_last: T.let[T.int32] = T.min(kw, iw + left - ox * sw)
            for oc in T.serial(o):
                acc[0] = table[oc].astype(acc_dtype)
                for row in T.serial(ky_last - ky_first):
                    ky: T.let[T.int32] = ky_first + row
                    x_row: T.let[T.int32] = ((b * ih + oy * sh - top + ky) * iw + ox * sw - left + kx_first) * c
                    w_row: T.let[T.int32] = ((oc * kh + ky) * kw + kx_first) * c
                    for i in T.serial((kx_last - kx_first) * c):
                        acc[0] += (int32(x[x_row + i]) * weights.load(w, w_row + i)).astype(acc_dtype)
                if counts_outside:  # noqa: SIM102  (decided now; the next one in the kernel)
                    if (ky_last - ky_first) * (kx_last - kx_first) < kh * kw:
                        for ky, kx in T.grid(kh, kw):
                            if ky < ky_first or ky >= ky_last or kx < kx_first or kx >= kx_last:
                                w_tap: T.let[T.int32] = ((oc * kh + ky) * kw + kx) * c
                                for i in T.serial(c):
                                    acc[0] += (zero_point * weights.load(w, w_tap + i)).astype(acc_dtype)
                y[((b * oh + oy) * ow + ox) * o + oc] = channels.requantize(form, acc[0], table, oc)

    return kernel


def _taps(op: Conv2D, weights: Weights, channels: Channels, form: Requantizer, x_dtype: str) -> PrimFunc:
    """Each tap of the kernel is tested, outside the loop over the channels of a group."""
    (n, ih, iw, c), (_, oh, ow, o) = op.x_shape, op.y_shape
    _, kh, kw, per_group = op.weight.shape
    window = Window(op, (kh, kw))
    w_dtype, y_dtype, acc_dtype = weights.dtype, form.dtype, accumulator(op.requantize)
    zero_point, groups, o_group = op.x_zero_point, op.groups, o // op.groups

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle(x_dtype), w_ptr: T.handle(w_dtype), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), x_dtype, data=x_ptr)
        w = T.decl_buffer((weights.size,), w_dtype, data=w_ptr)
        table = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((n * oh * ow * o,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((1,), acc_dtype, scope="local")
        for b, oy, ox, g, og in T.grid(n, oh, ow, groups, o_group):
            oc: T.let[T.int32] = g * o_group + og
            acc[0] = table[oc].astype(acc_dtype)
            for ky, kx in T.grid(kh, kw):
                iy: T.let[T.int32] = window.row(oy, ky)
                ix: T.let[T.int32] = window.column(ox, kx)
                w_tap: T.let[T.int32] = ((oc * kh + ky) * kw + kx) * per_group
                if window.inside(iy, ix):
                    x_tap: T.let[T.int32] = ((b * ih + iy) * iw + ix) * c + g * per_group
                    for i in T.serial(per_group):
                        acc[0] += (int32(x[x_tap + i]) * weights.load(w, w_tap + i)).astype(acc_dtype)
                elif zero_point != 0:
                    for i in T.serial(per_group):
                        acc[0] += (zero_point * weights.load(w, w_tap + i)).astype(acc_dtype)
            y[((b * oh + oy) * ow + ox) * o + oc] = channels.requantize(form, acc[0], table, oc)

    return kernel
