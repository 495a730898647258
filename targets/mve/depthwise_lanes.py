"""Depthwise convolution with large kernels: four channels side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.mve.intrinsics import WORDS
from edgeq.targets.mve.requantize import scaled
from edgeq.targets.portable.depthwise import one_output_per_channel
from edgeq.targets.portable.tables import Channels, pack
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def fits_lanes(op: Conv2D) -> bool:
    """True for the depthwise convolutions that this kernel does: windows within the image, at least four channels."""
    inside = Window(op, op.weight.shape[1:3]).always_inside
    return one_output_per_channel(op) and inside and op.x_shape[3] >= WORDS and not op.requantize.right


def depthwise_lanes(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution with weights in the order of `tap_bytes`; the last four channels end with the pixel."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    (_, kh, kw, _), window = op.weight.shape, Window(op, op.weight.shape[1:3])
    table, channels = Table(tap_bytes(op), "weights"), Channels(op.bias, op.requantize)

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
            for ky, kx in T.grid(kh, kw):
                at: T.let[T.int32] = ((b * ih + window.row(oy, ky)) * iw + window.column(ox, kx)) * c + first
                inputs: T.let[T.int32x4] = T.Cast("int32x4", x[T.Ramp(at, 1, WORDS)])
                acc[0] = acc[0] + inputs * tap(op, w, ky * kw + kx, first)
            y[T.Ramp(((b * oh + oy) * ow + ox) * c + first, 1, WORDS)] = T.Cast(
                "int8x4",
                scaled(op.requantize, acc[0], *multipliers(op, channels, numbers, first)),
            )

    distance = row_distance(op, program, buffered=False)
    return Generated(kernel, (Reads(op.x), table, channels.table, Writes(op.y)), distance)


def tap_bytes(op: Conv2D) -> np.ndarray:
    """Weights in the order (kh * kw, c); those of fewer than 8 bits share bytes with the neighbouring taps."""
    taps = op.weight.transpose(1, 2, 3, 0).reshape(-1, op.x_shape[3])
    if op.weight_bits == 8:
        return taps.reshape(-1)
    per_byte = 8 // op.weight_bits
    filled = np.pad(taps, ((0, -len(taps) % per_byte), (0, 0))).reshape(-1, per_byte, op.x_shape[3])
    return pack(filled.transpose(0, 2, 1).reshape(-1), op.weight_bits).view(np.int8)


def tap(op: Conv2D, table: Buffer, number: Expr, first: Expr) -> Expr:
    """int32x4: weights of four channels from `first` on, of tap `number`."""
    bits, c = op.weight_bits, op.x_shape[3]
    shared = {8: 0, 4: 1, 2: 2}[bits]
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
