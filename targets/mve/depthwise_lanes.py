"""Depthwise convolution with large kernels: four channels side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.mve.intrinsics import WORDS
from edgeq.targets.mve.requantize import scaled
from edgeq.targets.portable.depthwise import one_output_per_channel
from edgeq.targets.portable.tables import Channels
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
    """Depthwise convolution with weights in the order (kh, kw, c); the last four channels end with the pixel."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    (_, kh, kw, _), window = op.weight.shape, Window(op, op.weight.shape[1:3])
    table, channels = Table(op.weight.transpose(1, 2, 3, 0).reshape(-1), "weights"), Channels(op.bias, op.requantize)
    y_dtype = program.buffer[op.y].dtype

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"), w_ptr: T.handle("int8"), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), "int8", data=x_ptr)
        w = T.decl_buffer((kh * kw * c,), "int8", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((n * oh * ow * c,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((WORDS,), "int32", scope="local")
        for b, oy, ox, group in T.grid(n, oh, ow, -(-c // WORDS)):
            first: T.let[T.int32] = T.min(group * WORDS, c - WORDS)
            acc[T.Ramp(0, 1, WORDS)] = numbers[T.Ramp(first, 1, WORDS)]
            for ky, kx in T.grid(kh, kw):
                at: T.let[T.int32] = ((b * ih + window.row(oy, ky)) * iw + window.column(ox, kx)) * c + first
                taps: T.let[T.int32] = (ky * kw + kx) * c + first
                acc[T.Ramp(0, 1, WORDS)] = acc[T.Ramp(0, 1, WORDS)] + product(x, at, w, taps)
            y[T.Ramp(((b * oh + oy) * ow + ox) * c + first, 1, WORDS)] = T.Cast(
                f"{y_dtype}x{WORDS}",
                scaled(op.requantize, acc[T.Ramp(0, 1, WORDS)], *multipliers(op, channels, numbers, first)),
            )

    distance = row_distance(op, program, buffered=False)
    return Generated(kernel, (Reads(op.x), table, channels.table, Writes(op.y)), distance)


def product(x: Buffer, at: Expr, w: Buffer, taps: Expr) -> Expr:
    """int32x4 products of four neighbouring elements and weights."""
    values = (buffer[T.Ramp(index, 1, WORDS)] for buffer, index in ((x, at), (w, taps)))
    a, b = (T.Cast(f"int32x{WORDS}", value) for value in values)
    return a * b


def multipliers(op: Conv2D, channels: Channels, table: Buffer, first: Expr) -> list[Expr]:
    """Multipliers of four channels, and those for negative sums where there are some."""
    signs = [op.requantize.multiplier] + ([] if op.requantize.negative is None else [op.requantize.negative])
    if channels.per_channel:
        return [table[T.Ramp((i + 1) * channels.count + first, 1, WORDS)] for i in range(len(signs))]
    return [T.Broadcast(T.int32(int(m[0])), WORDS) for m in signs]
