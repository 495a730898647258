"""1x1 convolutions and fully connected layers: blocks of pixels meet every channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Writes
from edgeq.program.planner import step_distance
from edgeq.targets.mve.block import blocks, pixels_of_block
from edgeq.targets.mve.intrinsics import BYTES
from edgeq.targets.mve.layer import Layer, Pointers, collected
from edgeq.targets.mve.near import bits_used, source
from edgeq.targets.mve.requantize import output
from edgeq.targets.mve.weights import fit_bytes
from edgeq.targets.mve.windows import Windows

if TYPE_CHECKING:
    from edgeq.program.ops import Conv2D, Dense
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


@dataclass(frozen=True, eq=False)
class Matrix:
    """y = x times weight: x (pixels, k), weight (o, k), both row-major."""

    pixels: int
    weight: np.ndarray


def is_pointwise(op: Conv2D) -> bool:
    """True for the convolutions that are one matrix product, which this kernel does."""
    window = (op.weight.shape[1:3], op.strides, op.pads, op.groups)
    return window == ((1, 1), (1, 1), (0, 0, 0, 0), 1) and fit_bytes(op)


def pointwise(op: Conv2D, program: Program, target: Target) -> Generated:
    """1x1 convolution."""
    pixels = int(np.prod(op.x_shape[:3]))
    return _product(op, Matrix(pixels, op.weight.reshape(len(op.weight), -1)), program)


def dense(op: Dense, program: Program, target: Target) -> Generated:
    """Fully connected layer."""
    return _product(op, Matrix(op.rows, op.weight), program)


def _product(op: Conv2D | Dense, matrix: Matrix, program: Program) -> Generated:
    pixels, (o, k) = matrix.pixels, matrix.weight.shape
    filled = np.pad(matrix.weight, ((0, 0), (0, -k % BYTES)))
    bits = bits_used(filled, op.weight_bits, pixels * o)
    together = pixels_of_block(pixels, bits)
    base = collected(together, o, bits)
    weights, form = source(filled, op.weight_bits, bits, together, base), output(op.bias, op.requantize, bits)
    layer = Layer(Windows(1, k, 0, k, readable=False), weights.weights, form, together)
    (count, rest), read, scratch = blocks(pixels, together), weights.read, 4 * base + weights.scratch

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"),
        w_ptr: T.handle("int32"),
        table_ptr: T.handle("int32"),
        sums_ptr: T.handle("int32"),
        y_ptr: T.handle("int8"),
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((pixels * k,), "int8", data=x_ptr)
        w = T.decl_buffer((weights.words,), "int32", data=w_ptr)
        numbers = T.decl_buffer((form.words,), "int32", data=table_ptr)
        sums = T.decl_buffer((scratch // 4,), "int32", data=sums_ptr)
        y = T.decl_buffer((pixels * o,), "int8", data=y_ptr)
        acc = T.alloc_buffer((layer.accumulators,), "int32", scope="local")
        weights.unpack(w, sums)
        for block in T.serial(count):
            first: T.let[T.int32] = (
                block * together if count * together <= pixels else T.min(block * together, pixels - together)
            )
            layer.emit(Pointers(x, read(w, sums), acc, sums, numbers, y), together, first * k, first)
        if rest > 0:
            layer.emit(Pointers(x, read(w, sums), acc, sums, numbers, y), rest, (pixels - rest) * k, pixels - rest)

    operands = (Reads(op.x), weights.table, form.table, Scratch("int32", scratch), Writes(op.y))
    return Generated(kernel, operands, _distance(matrix, together))


def _distance(matrix: Matrix, together: int) -> int:
    """A block's outputs are written while its inputs still have to be read."""
    (o, k), (count, rest) = matrix.weight.shape, blocks(matrix.pixels, together)
    first = np.minimum(np.arange(count + bool(rest)) * together, matrix.pixels - (rest or together))
    return step_distance(np.minimum(first + together, matrix.pixels) * o, first * k)
