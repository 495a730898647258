"""Convolution and fully connected layers: each input element is loaded once for four output channels.

Weights lie in the order (four channels, kernel row, kernel column, input channel, channel of the four), so that one
pointer passes through them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.ops import Conv2D
from edgeq.program.planner import row_distance
from edgeq.targets.portable.fixed_point import Requantizer, bind, int32
from edgeq.targets.portable.tables import Channels
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Dense
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

BLOCK = 4
"""Output channels side by side: more accumulators leave too few registers."""


def is_plain(op: Conv2D | Dense) -> bool:
    """True if every input channel meets every output channel, and sums stay within 32 bits."""
    return not op.requantize.right and getattr(op, "groups", 1) == 1


def has_window(op: Conv2D) -> bool:
    """True for convolutions of more than one tap: of one, cores with few registers gain nothing."""
    return is_plain(op) and op.weight.shape[1:3] != (1, 1)


def blocked_weights(weight: np.ndarray) -> np.ndarray:
    """Weights (o, kh, kw, c) in blocks of channels, the last one filled up with zeros: one-dimensional."""
    filled = np.pad(weight, ((0, -len(weight) % BLOCK), (0, 0), (0, 0), (0, 0)))
    return np.moveaxis(filled.reshape(-1, BLOCK, *weight.shape[1:]), 1, -1).reshape(-1)


@dataclass(frozen=True, eq=False)
class Tap:
    """Code for one tap of a window over all input channels; `acc` holds the sums of the block."""

    w: Buffer
    acc: Buffer
    channels: int

    def inside(self, x: Buffer, source: Expr, at: Expr) -> None:
        """The pixel at x[source] times the weights from w[at] on."""
        with T.serial(self.channels) as i:
            self._products(bind("element", int32(x[source + i])), at + i * BLOCK)

    def outside(self, zero_point: int, at: Expr) -> None:
        """The same for a pixel of padding."""
        with T.serial(self.channels) as i:
            self._products(T.int32(zero_point), at + i * BLOCK)

    def _products(self, element: Expr, at: Expr) -> None:
        for j in range(BLOCK):
            T.buffer_store(self.acc, self.acc[j] + element * int32(self.w[at + j]), [j])


def dense(op: Dense, program: Program, target: Target) -> Generated:
    """Fully connected layer: a convolution whose rows are pixels. Its result cannot lie over its operand."""
    o, k = op.weight.shape
    shapes = ((1, op.rows, 1, k), (1, op.rows, 1, o))
    weight = op.weight[:, None, None]
    conv = Conv2D(op.name, op.y, op.x, *shapes, weight, op.weight_bits, op.bias, 0, op.requantize)
    return replace(conv2d(conv, program, target), distance=None)


def conv2d(op: Conv2D, program: Program, target: Target) -> Generated:
    """Convolution, pixel by pixel and four channels at a time."""
    (n, ih, iw, c), (_, oh, ow, o) = op.x_shape, op.y_shape
    _, kh, kw, _ = op.weight.shape
    window, zero_point, blocks = Window(op, (kh, kw)), op.x_zero_point, -(-o // BLOCK)
    table, channels = Table(blocked_weights(op.weight), "weights"), Channels(op.bias, op.requantize)
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)
    y_dtype = form.dtype

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"), w_ptr: T.handle("int8"), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), "int8", data=x_ptr)
        w = T.decl_buffer((len(table.data),), "int8", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((n * oh * ow * o,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((BLOCK,), "int32", scope="local")
        for b, oy, ox, block in T.grid(n, oh, ow, blocks):
            for j in range(BLOCK):
                acc[j] = 0
            for ky, kx in T.grid(kh, kw):
                iy: T.let[T.int32] = window.row(oy, ky)
                ix: T.let[T.int32] = window.column(ox, kx)
                at: T.let[T.int32] = ((block * kh + ky) * kw + kx) * (c * BLOCK)
                if window.inside(iy, ix):
                    Tap(w, acc, c).inside(x, ((b * ih + iy) * iw + ix) * c, at)
                elif zero_point != 0:
                    Tap(w, acc, c).outside(zero_point, at)
            for j in range(BLOCK):
                oc: T.let[T.int32] = block * BLOCK + j
                if o % BLOCK == 0 or oc < o:
                    total: T.let[T.int32] = acc[j] + numbers[oc]
                    y[((b * oh + oy) * ow + ox) * o + oc] = channels.requantize(form, total, numbers, oc)

    distance = row_distance(op, program, buffered=False)
    return Generated(kernel, (Reads(op.x), table, channels.table, Writes(op.y)), distance)
