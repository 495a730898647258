"""Convolutions and fully connected layers as matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Table, Writes
from edgeq.program.ops import Conv2D
from edgeq.targets.portable.fixed_point import bind
from edgeq.targets.vector.block import Block, block_shape
from edgeq.targets.vector.image import Image
from edgeq.targets.vector.product import matrix_product
from edgeq.targets.vector.requantize import output
from edgeq.targets.vector.windows import pack, windows_of

if TYPE_CHECKING:
    from tvm.tirx import Buffer

    from edgeq.program.ops import Dense
    from edgeq.program.program import Program
    from edgeq.targets.target import Target
    from edgeq.targets.vector.requantize import Output


def fits(op: Conv2D) -> bool:
    """True for the convolutions that this kernel does."""
    return op.groups == 1 and min(op.pads) >= 0 and sums_fit(op)


def sums_fit(op: Conv2D | Dense) -> bool:
    """True if sums stay within 32 bits."""
    return not op.requantize.right


def dense(op: Dense, program: Program, target: Target) -> Generated:
    """Fully connected layer: a convolution whose rows are pixels."""
    o, k = op.weight.shape
    shapes = ((1, op.rows, 1, k), (1, op.rows, 1, o))
    weight = op.weight[:, None, None]
    return conv2d(Conv2D(op.name, op.y, op.x, *shapes, weight, 8, op.bias, 0, op.requantize), program, target)


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution block by block.

    Attributes:
        pixels: Of the output.
    """

    image: Image
    block: Block
    output: Output
    pixels: int

    def emit(self, x: Buffer, weights: Buffer, numbers: Buffer, y: Buffer) -> None:
        """Code for all blocks; the last ones of pixels and of channels end with the last pixel and channel."""
        shape, product, channels = self.block.shape, self.block.product, self.output.channels
        wide, size = shape.vectors * product.channels, self.size
        with T.serial(-(-channels // wide)) as group, T.serial(-(-self.pixels // shape.pixels)) as part:
            channel = bind("channel", T.min(group * wide, max(0, channels - wide)))
            first = bind("first", T.min(part * shape.pixels, self.pixels - shape.pixels))
            numbered = [first + i for i in range(shape.pixels)]
            windows = [bind("window", self.image.window(number)) for number in numbered]
            self.block.emit(x, windows, weights, group * size)
            for i, number in enumerate(numbered):
                for j, sums in enumerate(self.block.sums(i)):
                    at = channel + j * self.output.lanes
                    self.output.store(y, number * channels + at, self.output(sums, numbers, at))

    @property
    def size(self) -> int:
        """Weights of a block."""
        windows, shape = self.block.windows, self.block.shape
        return windows.rows * windows.columns * windows.steps * shape.vectors * self.block.product.length


def conv2d(op: Conv2D, program: Program, target: Target) -> Generated:
    """Convolution: pieces of the image, which is copied where products cannot read it as it is, times weights."""
    pixels, o = int(np.prod(op.y_shape[:3])), len(op.weight)
    product = matrix_product(target, pixels)
    image, shape = Image(op, product.element, beyond=product.depth), block_shape(product, pixels, o)
    windows, y_dtype = windows_of(op, image, product), program.buffer[op.y].dtype
    table = Table(pack(op, windows, product, shape.vectors * product.channels), "weights")
    form = output(op, product, y_dtype, target)
    x_size, y_size, sums = int(np.prod(op.x_shape)), pixels * o, shape.pixels // product.pixels * shape.vectors

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"),
        w_ptr: T.handle("int8"),
        table_ptr: T.handle("int32"),
        staged_ptr: T.handle(product.element),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((x_size,), "int8", data=x_ptr)
        w = T.decl_buffer((len(table.data),), "int8", data=w_ptr)
        numbers = T.decl_buffer((form.table.size,), "int32", data=table_ptr)
        staged = T.decl_buffer((image.size,), product.element, data=staged_ptr)
        y = T.decl_buffer((y_size,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((sums,), f"int32x{product.lanes}", scope="local")
        image.fill(x, staged)
        Layer(image, Block(product, windows, shape, acc), form, pixels).emit(staged, w, numbers, y)

    return Generated(
        kernel, (Reads(op.x), table, form.table.table, Scratch(product.element, image.nbytes), Writes(op.y))
    )
