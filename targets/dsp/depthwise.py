"""Depthwise convolution with kernels three wide: four channels at a time are turned into planes, then convolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Table, Writes
from edgeq.program.planner import step_distance
from edgeq.targets.dsp.depthwise_rows import Memory, Strip, rows_together
from edgeq.targets.dsp.depthwise_weights import packed_weights, unpacked
from edgeq.targets.dsp.intrinsics import forget
from edgeq.targets.dsp.planes import CHANNELS, Planes
from edgeq.targets.dsp.requantize import output_stage
from edgeq.targets.dsp.schedule import windows_for
from edgeq.targets.portable.depthwise import one_output_per_channel

if TYPE_CHECKING:
    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

SCRATCH = 4096
"""Bytes that the planes may take, as long as that is at least one row of windows."""


def is_three_wide(op: Conv2D) -> bool:
    """True for the depthwise convolutions that this kernel does."""
    window = op.weight.shape[2] == 3 and op.strides[1] in (1, 2) and op.dilations == (1, 1) and min(op.pads[:2]) >= 0
    return window and one_output_per_channel(op) and op.x_shape[3] >= CHANNELS and not op.requantize.right


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


def depthwise(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution, strip by strip and four channels at a time.

    The last strip is moved back to end with the image, and the last channels to end with the pixel.
    """
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    kh, sh, top = op.weight.shape[1], op.strides[0], op.pads[0]
    strip, shape = strip_planes(op)
    table = Table(packed_weights(op.weight, op.weight_bits), "weights")
    y_dtype, w_dtype = program.buffer[op.y].dtype, str(table.data.dtype)
    form, channels = output_stage(op.bias, op.requantize, target, y_dtype)
    step = Strip(rows_together(strip, ow, windows_for(target)), ow, op.strides, c, shape.row_words, form, channels)

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"),
        w_ptr: T.handle(w_dtype),
        table_ptr: T.handle("int32"),
        planes_ptr: T.handle("int32"),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), "int8", data=x_ptr)
        w = T.decl_buffer((c * kh,), w_dtype, data=w_ptr)
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
            for j, block in T.grid(CHANNELS, -(-strip // step.rows)):
                oy: T.let[T.int32] = T.min(block * step.rows, strip - step.rows)
                step.emit(
                    Memory(planes, numbers, y),
                    (j * shape.rows + oy * sh) * shape.row_words,
                    unpacked(w, (start + j) * kh, kh, op.weight_bits),
                    start + j,
                    ((b * oh + first + oy) * ow) * c + start + j,
                )

    operands = (Reads(op.x), table, channels.table, Scratch("int32", 4 * shape.words), Writes(op.y))
    whole = strip == oh
    return Generated(kernel, operands, None if whole else _distance(op, strip), whole and c % CHANNELS == 0)


def _distance(op: Conv2D, strip: int) -> int:
    """The first channels of a strip are written while the last ones still have to be read."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    first = np.minimum(np.arange(-(-oh // strip)) * strip, oh - strip)
    image = np.arange(n)[:, None]
    free = image * ih + (first * op.strides[0] - op.pads[0]).clip(0, ih)
    return step_distance((image * oh + first + strip) * ow * c, free * iw * c)
