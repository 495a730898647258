"""Convolution over NHWC as matrix products on widened rows, without im2col."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.dsp.intrinsics import forget
from edgeq.targets.dsp.memory import Memory
from edgeq.targets.dsp.packed import PackedRows, raised
from edgeq.targets.dsp.product import biases_of, block_of, channel_multiple, has_product, product_of, requantizer_of
from edgeq.targets.dsp.requantize import SharedChannels, filled
from edgeq.targets.dsp.rows import Ring, Rows
from edgeq.targets.dsp.wide import WideRows
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from edgeq.lower.generated import Table
    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Buffer, Program
    from edgeq.targets.dsp.block import Product
    from edgeq.targets.dsp.fields import FieldProduct
    from edgeq.targets.dsp.requantize import SmmulRequantizer
    from edgeq.targets.dsp.schedule import Block
    from edgeq.targets.portable.tables import Channels
    from edgeq.targets.target import Target


SHARING = 64
"""Pixels for which weights are brought near at least: then that takes little beside multiplying by them."""


def fits(op: Conv2D) -> bool:
    """True for the convolutions that this kernel does."""
    return is_plain(op) and has_product(op)


def is_plain(op: Conv2D) -> bool:
    """True for the convolutions of int16 that this kernel does."""
    return op.groups == 1 and op.dilations == (1, 1) and min(op.pads[:2]) >= 0


def rows_of(op: Conv2D, x: Buffer, lines: int = 1) -> Rows:
    """The widened rows of a convolution over an image in `x`.

    Args:
        lines: Rows of output that are made at a time.
    """
    kind = PackedRows if x.packed else WideRows if x.bits == 16 else Rows
    return kind(op.x_shape, op.y_shape[1:3], op.weight.shape[1:3], op.strides, op.pads[0], op.pads[1], lines)


def lines_together(op: Conv2D) -> int:
    """Rows of output for which weights are brought near once: as few as make it cheap, of the same number each time."""
    _, oh, ow, _ = op.y_shape
    return min((i for i in range(1, oh + 1) if oh % i == 0 and i * ow >= SHARING), default=oh)


def _rows_and_product(
    op: Conv2D,
    buffers: tuple[Buffer, Buffer],
    numbers: tuple[SmmulRequantizer, Channels],
    target: Target,
    block: Block,
    *,
    near: bool,
) -> tuple[Rows, Product | FieldProduct, Table]:
    x, y = buffers
    rows = rows_of(op, x)
    product, table = product_of(op, rows, *numbers, target, block, near=near, packed=y.packed)
    if not (near and product.near_words):
        return rows, product, table
    rows = rows_of(op, x, lines_together(op))
    return rows, *product_of(op, rows, *numbers, target, block, packed=y.packed)


def conv2d(op: Conv2D, program: Program, target: Target, *, near: bool = True) -> Generated:
    """Convolution; each row of the input is widened once, each window is a few contiguous pieces of the rows.

    Args:
        near: Whether weights may be copied to working memory, and more rows held there.
    """
    x_buffer, y_buffer = program.buffer[op.x], program.buffer[op.y]
    op, x_dtype, y_dtype = raised(op, x_buffer), x_buffer.dtype, y_buffer.dtype
    (n, ih, _, _), (_, oh, ow, _) = op.x_shape, op.y_shape
    rows = rows_of(op, x_buffer)
    block = block_of(op, rows, target)
    bias, scaled = filled(biases_of(op, rows), op.requantize, channel_multiple(op, rows, block.pairs))
    form, channels = requantizer_of(op, rows)(scaled, target, y_dtype), SharedChannels(bias, scaled, op.x_zero_point)
    rows, product, table = _rows_and_product(op, (x_buffer, y_buffer), (form, channels), target, block, near=near)
    near_words, lines, sh, top, row_words = product.near_words, rows.lines, rows.strides[0], rows.top, rows.row_words
    inside = Window(op, rows.kernel).always_inside

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle(x_dtype),
        w_ptr: T.handle("int32"),
        table_ptr: T.handle("int32"),
        ring_ptr: T.handle("int32"),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((x_buffer.units,), x_dtype, data=x_ptr)
        w = T.decl_buffer((len(table.data),), "int32", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        memory = T.decl_buffer((near_words + rows.words,), "int32", data=ring_ptr)
        ring = T.decl_buffer((rows.words,), "int32", data=ring_ptr, elem_offset=near_words)
        halves = T.decl_buffer((2 * rows.words,), "int16", data=ring_ptr, elem_offset=2 * near_words)
        y = T.decl_buffer((y_buffer.units,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((product.accumulators,), "int32", scope="local")
        for b, strip in T.grid(n, oh // lines):
            rows.shift(ring)
            for slot in T.serial(T.Select(strip == 0, 0, rows.kept), rows.slots):
                iy: T.let[T.int32] = strip * (lines * sh) + slot - top
                # What lies left and right of the image stays as the rows move up.
                if not inside and (strip == 0 or iy < 0 or iy >= ih):
                    rows.fill(ring, slot * row_words, channels.outside(numbers))
                if iy >= 0 and iy < ih:
                    rows.widen(x, (b * ih + iy) * rows.line, Ring(ring, halves), slot * row_words)
            forget(ring_ptr)
            product.emit_row(Memory(memory, w, acc, numbers, y), ow, T.int32(near_words), (b * oh + strip * lines) * ow)

    operands = (Reads(op.x), table, channels.table, Scratch("int32", 4 * (near_words + rows.words)), Writes(op.y))
    lean = partial(conv2d, op, program, target, near=False) if product.can_be_lean else None
    return Generated(kernel, operands, row_distance(op, program, buffered=True), lean=lean)
