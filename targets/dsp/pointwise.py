"""1x1 convolutions and fully connected layers: a few pixels at a time are widened, then meet every channel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Writes
from edgeq.program.planner import step_distance
from edgeq.targets.dsp.intrinsics import forget
from edgeq.targets.dsp.memory import Memory
from edgeq.targets.dsp.packed import PackedRows, raised
from edgeq.targets.dsp.product import as_bytes, biases_of, block_of, channel_multiple, has_product, product_of
from edgeq.targets.dsp.requantize import output_stage
from edgeq.targets.dsp.rows import Ring, Rows
from edgeq.targets.dsp.schedule import block_for, block_sizes

if TYPE_CHECKING:
    from edgeq.program.ops import Conv2D, Dense
    from edgeq.program.program import Buffer, Program
    from edgeq.targets.target import Target

SCRATCH, PACKED_SCRATCH = 2048, 3328
"""Bytes that widened pixels may take, as long as that is at least one block: more where that saves unpacking."""

PARTIAL, UNPACKING = 0.25, 1
"""Pixels that take as long as a block that is not full costs besides, and as unpacking the weights."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """y = x times weight: x (pixels, k), weight (o, k), both row-major."""

    pixels: int
    weight: np.ndarray


def is_pointwise(op: Conv2D) -> bool:
    """True for the convolutions that this kernel does."""
    return is_one_product(op) and has_product(op)


def is_one_product(op: Conv2D) -> bool:
    """True for the convolutions that are one matrix product."""
    window = (op.weight.shape[1:3], op.strides, op.pads, op.groups)
    return window == ((1, 1), (1, 1), (0, 0, 0, 0), 1)


def pointwise(op: Conv2D, program: Program, target: Target) -> Generated:
    """1x1 convolution."""
    pixels = int(np.prod(op.x_shape[:3]))
    return _product(op, Matrix(pixels, op.weight.reshape(len(op.weight), -1)), program, target)


def dense(op: Dense, program: Program, target: Target) -> Generated:
    """Fully connected layer."""
    return _product(op, Matrix(op.rows, op.weight), program, target)


def pixel_rows(x: Buffer, tile: int, k: int) -> Rows:
    """The widened elements of a tile of pixels in `x`."""
    return (PackedRows if x.packed else Rows)((1, 1, tile, k), (1, tile), (1, 1), (1, 1), 0, 0)


def scratch_for(tile: int, k: int, near: int) -> int:
    """Bytes for widened pixels beside weights that are brought near: no more in all than without, if these are few.

    Args:
        tile: Pixels that are widened together where weights stay in flash.
        near: Bytes of the weights.
    """
    return 2 * tile * k - near if 4 * near <= 2 * tile * k else PACKED_SCRATCH - near


def tile_pixels(pixels: int, k: int, block: int, *, packed: bool = False, scratch: int = 0) -> int:
    """Pixels that are widened together: those that take the least time within the scratch memory.

    The last tile is moved back to end with the last pixel. Blocks that are not full take up to a quarter of a pixel
    more, and so does a tile. With packed weights, code of two blocks and of unpacking runs in turn, which outgrows
    instruction caches.

    Args:
        block: Pixels of a block.
        packed: Whether each tile unpacks the weights.
        scratch: Bytes of that memory, if not as many as usual.
    """
    scratch = scratch or (PACKED_SCRATCH if packed else SCRATCH)
    most = max(min(pixels, scratch // (2 * k)), min(pixels, block))

    def cost(tile: int) -> float:
        partial = sum(blocks for size, blocks in block_sizes(tile, block) if size < block)
        return -(-pixels // tile) * (tile + (PARTIAL + packed) * partial + PARTIAL + UNPACKING * packed)

    return min(range(1, most + 1), key=lambda tile: (cost(tile), tile))


def _product(op: Conv2D | Dense, matrix: Matrix, program: Program, target: Target, *, near: bool = True) -> Generated:
    x_buffer, y_buffer = program.buffer[op.x], program.buffer[op.y]
    op, y_dtype, packed = raised(op, x_buffer), y_buffer.dtype, y_buffer.packed
    pixels, (o, k) = matrix.pixels, matrix.weight.shape
    block = block_for(-(-k // 2), o, pixels, target, packed=not as_bytes(op))
    tile = tile_pixels(pixels, k, block.pixels, packed=not as_bytes(op))
    rows = pixel_rows(x_buffer, tile, k)
    block = block_of(op, rows, target)
    bias, multiple = biases_of(op, rows), channel_multiple(op, rows, block.pairs)
    form, channels = output_stage(bias, op.requantize, target, y_dtype, multiple)
    product, table = product_of(op, rows, form, channels, target, block, near=near, packed=packed)
    if near and as_bytes(op) and product.near_words:
        tile = tile_pixels(pixels, k, block.pixels, packed=True, scratch=scratch_for(tile, k, 4 * product.near_words))
        rows = pixel_rows(x_buffer, tile, k)
        product, table = product_of(op, rows, form, channels, target, block, packed=packed)
    near_words, pixel = product.near_words, rows.line // tile

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"),
        w_ptr: T.handle("int32"),
        table_ptr: T.handle("int32"),
        wide_ptr: T.handle("int32"),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((x_buffer.units,), "int8", data=x_ptr)
        w = T.decl_buffer((len(table.data),), "int32", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        memory = T.decl_buffer((near_words + rows.words,), "int32", data=wide_ptr)
        wide = T.decl_buffer((rows.words,), "int32", data=wide_ptr, elem_offset=near_words)
        halves = T.decl_buffer((2 * rows.words,), "int16", data=wide_ptr, elem_offset=2 * near_words)
        y = T.decl_buffer((y_buffer.units,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((product.accumulators,), "int32", scope="local")
        for i in T.serial(-(-pixels // tile)):
            first: T.let[T.int32] = T.min(i * tile, pixels - tile)
            rows.widen(x, first * pixel, Ring(wide, halves), 0)
            forget(wide_ptr)
            product.emit_row(Memory(memory, w, acc, numbers, y), tile, T.int32(near_words), first)

    scratch = Scratch("int32", 4 * (near_words + rows.words))
    operands = (Reads(op.x), table, channels.table, scratch, Writes(op.y))
    # Widened upwards, byte by byte: a single tile that ends with the scratch memory is read before it is written over.
    over = scratch.nbytes - x_buffer.units if tile == pixels and rows.depth == k else None
    lean = partial(_product, op, matrix, program, target, near=False) if product.can_be_lean else None
    distance = tile_distance(pixels, tile, x_buffer, y_buffer)
    return Generated(kernel, operands, distance, scratch_distance=over, lean=lean)


def tile_distance(pixels: int, tile: int, x: Buffer, y: Buffer) -> int:
    """A tile is widened before any of its results is written; the last one reads some pixels again."""
    first = np.minimum(np.arange(-(-pixels // tile)) * tile, pixels - tile)
    return step_distance((first + tile) * y.nbytes // pixels, np.append(first[1:], pixels) * x.nbytes // pixels)
