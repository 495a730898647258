"""Depthwise convolution with kernels three wide: a word of channels at a time is turned into planes, then convolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Table, Writes
from edgeq.program.planner import step_distance
from edgeq.targets.dsp.depthwise_rows import Memory, Strip, rows_together
from edgeq.targets.dsp.depthwise_weights import packed_weights, shifted, unpacked
from edgeq.targets.dsp.intrinsics import forget
from edgeq.targets.dsp.packed import raised
from edgeq.targets.dsp.planes import Planes, lanes
from edgeq.targets.dsp.product import numbers_of
from edgeq.targets.dsp.requantize import output_stage
from edgeq.targets.dsp.schedule import windows_for
from edgeq.targets.dsp.wide import sums_in_word
from edgeq.targets.portable.depthwise import one_output_per_channel

if TYPE_CHECKING:
    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Buffer, Program
    from edgeq.targets.target import Target

SCRATCH = 4096
"""Bytes that the planes may take, as long as that is at least one row of windows."""


def is_three_wide(op: Conv2D) -> bool:
    """True for the depthwise convolutions over int8 that this kernel does."""
    return _is_three_wide(op) and op.x_shape[3] >= lanes("int8") and not op.requantize.right


def has_eight_channels(op: Conv2D) -> bool:
    """True for those over packed int4."""
    return is_three_wide(op) and op.x_shape[3] >= lanes("packed")


def is_three_wide_halves(op: Conv2D) -> bool:
    """True for those over int16."""
    return _is_three_wide(op) and op.x_shape[3] >= lanes("int16") and sums_in_word(op)


def _is_three_wide(op: Conv2D) -> bool:
    window = op.weight.shape[2] == 3 and op.strides[1] in (1, 2) and op.dilations == (1, 1) and min(op.pads[:2]) >= 0
    return window and one_output_per_channel(op)


def strip_planes(op: Conv2D, x: Buffer) -> tuple[int, Planes]:
    """Rows of output that are made at a time, and the planes for them, of an image in `x`."""
    form = "packed" if x.packed else x.dtype
    pairs = -(-op.y_shape[2] // 2)
    row_words = pairs * op.strides[1] + 1
    kh, oh = op.weight.shape[1], op.y_shape[1]
    rows = SCRATCH // (4 * lanes(form) * row_words)
    most = min(max((rows - kh) // op.strides[0] + 1, 1), oh)
    # Strips of equal height: the last one, moved back, repeats as little as can be.
    strip = -(-oh // -(-oh // most))
    height = (strip - 1) * op.strides[0] + kh
    return strip, Planes(op.x_shape[2], op.x_shape[3], op.pads[1], row_words, height, op.x_zero_point, form)


def depthwise(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution, strip by strip, a word of channels at a time; the last of either moved back to the end."""
    x_buffer, y_buffer = program.buffer[op.x], program.buffer[op.y]
    op, x_dtype, y_dtype = raised(op, x_buffer), x_buffer.dtype, y_buffer.dtype
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    kh, sh, top = op.weight.shape[1], op.strides[0], op.pads[0]
    strip, shape = strip_planes(op, x_buffer)
    op, left = shifted(op) if x_dtype == "int8" else (op, 0)
    table = Table(packed_weights(op.weight, op.weight_bits), "weights")
    step = _step(op, x_dtype, y_buffer, rows_together(strip, ow, windows_for(target)), shape.row_words, target)
    w_dtype, channels = str(table.data.dtype), step.requantization

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle(x_dtype),
        w_ptr: T.handle(w_dtype),
        table_ptr: T.handle("int32"),
        planes_ptr: T.handle("int32"),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((x_buffer.units,), x_dtype, data=x_ptr)
        w = T.decl_buffer((c * kh,), w_dtype, data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        planes = T.decl_buffer((shape.words,), "int32", data=planes_ptr)
        y = T.decl_buffer((y_buffer.units,), y_dtype, data=y_ptr)
        for b, i, group in T.grid(n, -(-oh // strip), -(-c // shape.group)):
            first: T.let[T.int32] = T.min(i * strip, oh - strip)
            start: T.let[T.int32] = T.min(group * shape.group, c - shape.group)
            for r in T.serial(shape.rows):
                iy: T.let[T.int32] = first * sh + r - top
                if iy >= 0 and iy < ih:
                    shape.turn(x, (b * ih + iy) * iw * shape.pixel + shape.place(start), planes, r)
                else:
                    shape.fill(planes, r)
            forget(planes_ptr)
            for j in T.serial(shape.group):
                channel: T.let[T.int32] = start + j
                taps = unpacked(w, channel * kh, kh, op.weight_bits, left)
                for block in T.serial(-(-strip // step.rows)):
                    oy: T.let[T.int32] = T.min(block * step.rows, strip - step.rows)
                    at: T.let[T.int32] = (j * shape.rows + oy * sh) * shape.row_words
                    step.emit(Memory(planes, numbers, y), at, taps, channel, b * oh + first + oy)

    operands = (Reads(op.x), table, channels.table, Scratch("int32", 4 * shape.words), Writes(op.y))
    in_place = strip == oh and c % shape.group == 0 and x_dtype == y_dtype
    return Generated(kernel, operands, _distance(op, program, strip) if strip < oh else None, in_place=in_place)


def _step(op: Conv2D, x_dtype: str, y: Buffer, rows: int, row_words: int, target: Target) -> Strip:
    """Code for so many rows, which reads planes with rows of so many words."""
    bias, requantizer = numbers_of(op, x_dtype)
    form, channels = output_stage(bias, op.requantize, target, y.dtype, kind=requantizer)
    pixel = y.units // int(np.prod(op.y_shape[:3]))
    return Strip(rows, op.y_shape[2], op.strides, pixel, row_words, form, channels, y.packed)


def _distance(op: Conv2D, program: Program, strip: int) -> int:
    """The first channels of a strip are written while the last ones still have to be read."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    first = np.minimum(np.arange(-(-oh // strip)) * strip, oh - strip)
    image = np.arange(n)[:, None]
    free = image * ih + (first * op.strides[0] - op.pads[0]).clip(0, ih)
    x, y = program.buffer[op.x], program.buffer[op.y]
    made, used = (image * oh + first + strip) * ow * c, free * iw * c
    return step_distance(made * y.nbytes // y.size, used * x.nbytes // x.size)
