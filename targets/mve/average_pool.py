"""Average pooling over NHWC, four channels at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.mve.intrinsics import WORDS, opaque
from edgeq.targets.mve.requantize import scaled, words_of
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from edgeq.program.ops import AveragePool
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def is_uniform(op: AveragePool) -> bool:
    """True for the pooling that this kernel does: windows within the image, of one divisor; at least four channels."""
    inside = Window(op, op.kernel).always_inside and op.dilations == (1, 1)
    one_divisor = len(set(op.counts.reshape(-1).tolist())) == 1
    return inside and one_divisor and op.x_shape[3] >= WORDS and not op.requantize.right


def average_pool(op: AveragePool, program: Program, target: Target) -> Generated:
    """Sum of the window's elements, requantized; the last four channels end with the pixel."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    (kh, kw), (sh, sw), (top, left) = op.kernel, op.strides, op.pads[:2]
    outside = kh * kw * op.x_zero_point
    multiplier = Table(op.requantize.multiplier[op.counts.reshape(-1)[:1]], "constants")

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle("int8"), m_ptr: T.handle("int32"), y_ptr: T.handle("int8")):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), "int8", data=x_ptr)
        m = T.decl_buffer((1,), "int32", data=m_ptr)
        y = T.decl_buffer((n * oh * ow * c,), "int8", data=y_ptr)
        acc = T.alloc_buffer((1,), "int32x4", scope="local")
        for b, oy, ox, group in T.grid(n, oh, ow, -(-c // WORDS)):
            first: T.let[T.int32] = T.min(group * WORDS, c - WORDS)
            acc[0] = words_of(-outside)
            for ky, kx in T.grid(opaque(T.int32(kh)), opaque(T.int32(kw))):
                at: T.let[T.int32] = ((b * ih + oy * sh - top + ky) * iw + ox * sw - left + kx) * c + first
                acc[0] = acc[0] + T.Cast("int32x4", x[T.Ramp(at, 1, WORDS)])
            y[T.Ramp(((b * oh + oy) * ow + ox) * c + first, 1, WORDS)] = T.Cast(
                "int8x4", scaled(op.requantize, acc[0], T.Broadcast(m[0], WORDS))
            )

    return Generated(kernel, (Reads(op.x), multiplier, Writes(op.y)), row_distance(op, program, buffered=False))
