"""Depthwise convolution with kernels three wide: two products per instruction along the columns of a channel.

For outputs 0 and 1 of a row, and columns in words X = (x0, x1), Y = (x2, x3), weights in words A = (w0, w1) and
B = (w1, w2): y0 = A.X + w2 x2 and y1 = w0 x1 + B.Y, four instructions for six products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Table, Writes
from edgeq.program.planner import step_distance
from edgeq.targets.dsp.intrinsics import (
    forget,
    odd_bytes,
    opaque,
    pin,
    smla_bottom_top,
    smla_top_bottom,
    smlad,
    sxtb16,
)
from edgeq.targets.dsp.planes import CHANNELS, Planes
from edgeq.targets.dsp.requantize import output_stage
from edgeq.targets.portable.depthwise import one_output_per_channel
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.dsp.requantize import SmmulRequantizer
    from edgeq.targets.portable.tables import Channels
    from edgeq.targets.target import Target

UNROLL = 4
"""Pairs of windows of one unrolled step at most."""

SCRATCH = 4096
"""Bytes that the planes may take, as long as that is at least one row of windows."""


def is_three_wide(op: Conv2D) -> bool:
    """True for the depthwise convolutions that this kernel does."""
    window = op.weight.shape[2] == 3 and op.strides[1] in (1, 2) and op.dilations == (1, 1) and min(op.pads[:2]) >= 0
    return window and one_output_per_channel(op) and op.x_shape[3] >= CHANNELS and not op.requantize.right


def packed_weights(weight: np.ndarray) -> np.ndarray:
    """Words (w0, w1, w1, w2) of bytes, of which SXTB16 makes A, and B with a rotation: int32 (c * kh).

    Args:
        weight: int8 (c, kh, 3, 1).
    """
    return np.ascontiguousarray(weight[:, :, [0, 1, 1, 2], 0]).view("<i4").astype(np.int32).reshape(-1)


def strip_planes(op: Conv2D) -> tuple[int, Planes]:
    """Rows of output that are made at a time, and the planes for them."""
    pairs = -(-op.y_shape[2] // 2)
    row_words = pairs * op.strides[1] + 1
    kh, oh = op.weight.shape[1], op.y_shape[1]
    rows = SCRATCH // (4 * CHANNELS * row_words)
    most = min(max((rows - kh) // op.strides[0] + 1, 1), oh)
    # Strips of equal height: the last one, moved back, repeats as little as can be.
    strip = -(-oh // -(-oh // most))
    height = (strip - 1) * op.strides[0] + kh
    return strip, Planes(op.x_shape[2], op.x_shape[3], op.pads[1], row_words, height, op.x_zero_point)


@dataclass(frozen=True, eq=False)
class Memory:
    """What the code of a row works on: planes, the channels' biases and multipliers, the output."""

    planes: Buffer
    numbers: Buffer
    y: Buffer


Taps = tuple["Expr", "Expr"]
"""The words A and B of a kernel row."""


@dataclass(frozen=True, eq=False)
class Row:
    """Code for a row of outputs of one channel.

    Attributes:
        outputs: Columns.
        stride: Of columns.
        channels: Of the image.
        row_words: Words of a plane's row.
        form, requantization: Requantization.
    """

    outputs: int
    stride: int
    channels: int
    row_words: int
    form: SmmulRequantizer
    requantization: Channels

    def emit(self, memory: Memory, at: Expr, weights: list[Taps], channel: Expr, to: Expr) -> None:
        """Makes all outputs of the row.

        Args:
            at: Word of the planes at which the first window begins.
            weights: A and B of each kernel row.
            to: Index of the first output in y.
        """
        pairs, single = divmod(self.outputs, 2)
        if pairs <= UNROLL:
            self._straight(memory, at, weights, channel, to, [2] * pairs + [1] * single)
            return
        unroll = max(u for u in range(1, UNROLL + 1) if pairs % u == 0)
        with T.serial(pairs // unroll) as i:
            place = to + i * (unroll * 2 * self.channels)
            self._straight(memory, at + i * (unroll * self.stride), weights, channel, place, [2] * unroll)
        if single:
            self._straight(memory, at + pairs * self.stride, weights, channel, to + pairs * 2 * self.channels, [1])

    def _straight(
        self, memory: Memory, at: Expr, weights: list[Taps], channel: Expr, to: Expr, counts: list[int]
    ) -> None:
        """Neighbouring groups of one or two windows, without a loop."""
        start = bind("start", opaque(at))
        for i, count in enumerate(counts):
            self._windows(count, memory, start + i * self.stride, weights, channel, to + i * 2 * self.channels)

    def _windows(self, count: int, memory: Memory, at: Expr, weights: list[Taps], channel: Expr, to: Expr) -> None:
        """One window, or two neighbouring ones."""
        acc = [memory.numbers[channel]] * count
        for ky, (a, b) in enumerate(weights):
            words = 2 if count == 1 else 1 + self.stride
            x = [bind("x", memory.planes[at + ky * self.row_words + i]) for i in range(words)]
            acc[0] = bind("acc", smla_bottom_top(x[1], b, smlad(x[0], a, acc[0])))
            if count == 2 and self.stride == 1:
                acc[1] = bind("acc", smlad(x[1], b, smla_top_bottom(x[0], a, acc[1])))
            elif count == 2:
                acc[1] = bind("acc", smla_bottom_top(x[2], b, smlad(x[1], a, acc[1])))
            pin(acc[0])
        forget(memory.planes.data)
        for i, value in enumerate(acc):
            result = self.requantization.requantize(self.form, value, memory.numbers, channel)
            T.buffer_store(memory.y, result, [to + i * self.channels])


def depthwise(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution, strip by strip and four channels at a time.

    The last strip is moved back to end with the image, and the last channels to end with the pixel.
    """
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    kh, (sh, sw), top = op.weight.shape[1], op.strides, op.pads[0]
    strip, shape = strip_planes(op)
    y_dtype = program.buffer[op.y].dtype
    form, channels = output_stage(op.bias, op.requantize, target, y_dtype)
    table = Table(packed_weights(op.weight), "weights")
    row = Row(ow, sw, c, shape.row_words, form, channels)

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"),
        w_ptr: T.handle("int32"),
        table_ptr: T.handle("int32"),
        planes_ptr: T.handle("int32"),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), "int8", data=x_ptr)
        w = T.decl_buffer((c * kh,), "int32", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        planes = T.decl_buffer((shape.words,), "int32", data=planes_ptr)
        y = T.decl_buffer((n * oh * ow * c,), y_dtype, data=y_ptr)
        for b, i, group in T.grid(n, -(-oh // strip), -(-c // CHANNELS)):
            first: T.let[T.int32] = T.min(i * strip, oh - strip)
            start: T.let[T.int32] = T.min(group * CHANNELS, c - CHANNELS)
            for r in T.serial(shape.rows):
                iy: T.let[T.int32] = first * sh + r - top
                if iy >= 0 and iy < ih:
                    shape.turn(x, (b * ih + iy) * iw * c + start, planes, r)
                else:
                    shape.fill(planes, r)
            forget(planes_ptr)
            for j, oy in T.grid(CHANNELS, strip):
                row.emit(
                    Memory(planes, numbers, y),
                    (j * shape.rows + oy * sh) * shape.row_words,
                    unpacked(w, (start + j) * kh, kh),
                    start + j,
                    ((b * oh + first + oy) * ow) * c + start + j,
                )

    operands = (Reads(op.x), table, channels.table, Scratch("int32", 4 * shape.words), Writes(op.y))
    if strip == oh:
        return Generated(kernel, operands, in_place=c % CHANNELS == 0)
    return Generated(kernel, operands, _distance(op, strip))


def _distance(op: Conv2D, strip: int) -> int:
    """The first channels of a strip are written while the last ones still have to be read."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    first = np.minimum(np.arange(-(-oh // strip)) * strip, oh - strip)
    image = np.arange(n)[:, None]
    free = image * ih + (first * op.strides[0] - op.pads[0]).clip(0, ih)
    return step_distance((image * oh + first + strip) * ow * c, free * iw * c)


def unpacked(weights: Buffer, first: Expr, rows: int) -> list[Taps]:
    """A and B of each kernel row of a channel."""
    words = [bind("w", weights[first + ky]) for ky in range(rows)]
    return [(bind("a", sxtb16(word)), bind("b", odd_bytes(word))) for word in words]
