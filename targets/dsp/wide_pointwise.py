"""1x1 convolutions and fully connected layers over int16: the input is multiplied where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.program.ops import Conv2D
from edgeq.program.planner import step_distance
from edgeq.targets.dsp.conv2d import conv2d
from edgeq.targets.dsp.memory import Memory
from edgeq.targets.dsp.pointwise import Matrix, is_one_product, tile_pixels
from edgeq.targets.dsp.product import block_of, channel_multiple, numbers_of, product_of
from edgeq.targets.dsp.requantize import output_stage
from edgeq.targets.dsp.schedule import block_for
from edgeq.targets.dsp.wide import WideRows

if TYPE_CHECKING:
    from edgeq.program.ops import Dense
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def is_wide_pointwise(op: Conv2D) -> bool:
    """True for the convolutions that this kernel does: words begin where pixels do."""
    return is_one_product(op) and op.x_shape[3] % 2 == 0


def wide_pointwise(op: Conv2D, program: Program, target: Target) -> Generated:
    """1x1 convolution."""
    return _product(op, Matrix(int(np.prod(op.x_shape[:3])), op.weight.reshape(len(op.weight), -1)), program, target)


def wide_dense(op: Dense, program: Program, target: Target) -> Generated:
    """Fully connected layer; rows of an odd length are copied to where words begin."""
    if op.weight.shape[1] % 2 == 0:
        return _product(op, Matrix(op.rows, op.weight), program, target)
    return conv2d(as_conv2d(op), program, target)


def as_conv2d(op: Dense) -> Conv2D:
    """The same as a convolution over an image of one row."""
    o, k = op.weight.shape
    shapes = (1, 1, op.rows, k), (1, 1, op.rows, o)
    return Conv2D(op.name, op.y, op.x, *shapes, op.weight.reshape(o, 1, 1, k), 8, op.bias, 0, op.requantize)


def _product(op: Conv2D | Dense, matrix: Matrix, program: Program, target: Target) -> Generated:
    pixels, (o, k) = matrix.pixels, matrix.weight.shape
    tile = tile_pixels(pixels, k, block_for(k // 2, o, pixels, target).pixels)
    rows = WideRows((1, 1, tile, k), (1, tile), (1, 1), (1, 1), 0, 0)
    block, y_dtype = block_of(op, rows, target), program.buffer[op.y].dtype
    bias, requantizer = numbers_of(op, "int16")
    multiple = channel_multiple(op, rows, block.pairs)
    form, channels = output_stage(bias, op.requantize, target, y_dtype, multiple, requantizer)
    product, table = product_of(op, rows, form, channels, target, block, near=False)

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int16"), w_ptr: T.handle("int32"), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((pixels * k,), "int16", data=x_ptr)  # noqa: F841  (the type that callers have)
        words = T.decl_buffer((pixels * k // 2,), "int32", data=x_ptr)
        w = T.decl_buffer((len(table.data),), "int32", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((pixels * o,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((product.accumulators,), "int32", scope="local")
        for i in T.serial(-(-pixels // tile)):
            first: T.let[T.int32] = T.min(i * tile, pixels - tile)
            product.emit_row(Memory(words, w, acc, numbers, y), tile, first * (k // 2), first)

    return Generated(kernel, (Reads(op.x), table, channels.table, Writes(op.y)), _distance(op, matrix, tile, program))


def _distance(op: Conv2D | Dense, matrix: Matrix, tile: int, program: Program) -> int:
    """A tile is read until the last of its results is written, and in part by the last tile again."""
    pixels, (o, k) = matrix.pixels, matrix.weight.shape
    first = np.minimum(np.arange(-(-pixels // tile)) * tile, pixels - tile)
    x, y = program.buffer[op.x], program.buffer[op.y]
    return step_distance((first + tile) * o * y.itemsize, first * k * x.itemsize)
