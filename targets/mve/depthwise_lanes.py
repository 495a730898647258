"""Depthwise convolution with large kernels: four channels side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.dsp.depthwise_taps import SHARED, tap_bytes
from edgeq.targets.mve.intrinsics import WORDS
from edgeq.targets.mve.requantize import scaled
from edgeq.targets.portable.depthwise import one_output_per_channel
from edgeq.targets.portable.fixed_point import bind
from edgeq.targets.portable.tables import Channels
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


UNROLL = 16
"""Taps up to which a window is unrolled: then the place of each weight in its byte is known."""


def fits_lanes(op: Conv2D) -> bool:
    """True for the depthwise convolutions that this kernel does: windows within the image, at least four channels."""
    inside = Window(op, op.weight.shape[1:3]).always_inside
    return one_output_per_channel(op) and inside and op.x_shape[3] >= WORDS and not op.requantize.right


def depthwise_lanes(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution with weights in the order of `tap_bytes`; the last four channels end with the pixel."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    (_, kh, kw, _), window = op.weight.shape, Window(op, op.weight.shape[1:3])
    table, channels = Table(tap_bytes(op), "weights"), Channels(op.bias, op.requantize)

    def add_tap(x: Buffer, w: Buffer, acc: Buffer, pixel: Sequence[Expr], first: Expr, at: Sequence[Expr]) -> None:
        (b, oy, ox), (ky, kx) = pixel, at
        row, column = window.row(oy, ky), window.column(ox, kx)
        start = bind("at", ((b * ih + row) * iw + column) * c + first)
        inputs = bind("inputs", T.Cast("int32x4", x[T.Ramp(start, 1, WORDS)]))
        T.buffer_store(acc, acc[0] + inputs * tap(op, w, ky * kw + kx, first), [0])

    def add_taps(x: Buffer, w: Buffer, acc: Buffer, pixel: Sequence[Expr], first: Expr) -> None:
        if kh * kw > UNROLL:
            with T.grid(kh, kw) as at:
                add_tap(x, w, acc, pixel, first, at)
        else:
            for ky, kx in np.ndindex(kh, kw):
                add_tap(x, w, acc, pixel, first, (T.int32(ky), T.int32(kx)))

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle("int8"), w_ptr: T.handle("int8"), table_ptr: T.handle("int32"), y_ptr: T.handle("int8")):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), "int8", data=x_ptr)
        w = T.decl_buffer((len(table.data),), "int8", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((n * oh * ow * c,), "int8", data=y_ptr)
        acc = T.alloc_buffer((1,), "int32x4", scope="local")
        for b, oy, ox, group in T.grid(n, oh, ow, -(-c // WORDS)):
            first: T.let[T.int32] = T.min(group * WORDS, c - WORDS)
            acc[0] = numbers[T.Ramp(first, 1, WORDS)]
            add_taps(x, w, acc, (b, oy, ox), first)
            y[T.Ramp(((b * oh + oy) * ow + ox) * c + first, 1, WORDS)] = T.Cast(
                "int8x4",
                scaled(op.requantize, acc[0], *multipliers(op, channels, numbers, first)),
            )

    distance = row_distance(op, program, buffered=False)
    return Generated(kernel, (Reads(op.x), table, channels.table, Writes(op.y)), distance)


def tap(op: Conv2D, table: Buffer, number: Expr, first: Expr) -> Expr:
    """int32x4: weights of four channels from `first` on, of tap `number`."""
    bits, c = op.weight_bits, op.x_shape[3]
    shared = SHARED[bits]
    value = T.Cast("int32x4", table[T.Ramp(T.shift_right(number, shared) * c + first, 1, WORDS)])
    if bits == 8:
        return value
    up = 32 - bits - T.bitwise_and(number, (1 << shared) - 1) * bits
    return T.shift_right(T.shift_left(value, T.Broadcast(up, WORDS)), T.Broadcast(T.int32(32 - bits), WORDS))


def multipliers(op: Conv2D, channels: Channels, table: Buffer, first: Expr) -> list[Expr]:
    """Multipliers of four channels, and those for negative sums where there are some."""
    signs = [op.requantize.multiplier] + ([] if op.requantize.negative is None else [op.requantize.negative])
    if channels.per_channel:
        return [table[T.Ramp((i + 1) * channels.count + first, 1, WORDS)] for i in range(len(signs))]
    return [T.Broadcast(T.int32(int(m[0])), WORDS) for m in signs]
