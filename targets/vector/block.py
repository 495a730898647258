"""The inner loops of the matrix products: a block of output pixels meets a block of output channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.vector.product import Product
    from edgeq.targets.vector.windows import Windows

WIDEST = 4
"""Vectors of channels of a block, at most."""


@dataclass(frozen=True)
class Shape:
    """Of a block.

    Attributes:
        pixels: A multiple of the product's.
        vectors: Of weights that each step loads.
    """

    pixels: int
    vectors: int


def block_shape(product: Product, pixels: int, channels: int) -> Shape:
    """The block that covers a layer with the fewest instructions."""
    widest = max(product.pixels, min(WIDEST, channels // product.channels) // product.pixels * product.pixels)
    shapes = []
    for vectors in range(product.pixels, widest + 1, product.pixels):
        together = min(pixels, product.registers // vectors * product.pixels)
        shapes.append(Shape(together // product.pixels * product.pixels, vectors))
    return min(shapes, key=lambda shape: _instructions(shape, product, pixels, channels))


def _instructions(shape: Shape, product: Product, pixels: int, channels: int) -> int:
    """Products and loads per step, over all blocks of a layer."""
    blocks = -(-pixels // shape.pixels) * -(-channels // (shape.vectors * product.channels))
    units = shape.pixels // product.pixels
    return blocks * (units * shape.vectors + units + shape.vectors)


@dataclass(frozen=True, eq=False)
class Block:
    """Code for the sums of a block.

    Attributes:
        acc: Vectors of sums, local: [pixel / pixels of the product][vector].
    """

    product: Product
    windows: Windows
    shape: Shape
    acc: Buffer

    def emit(self, x: Buffer, pixels: list[Expr], weights: Buffer, first: Expr) -> None:
        """Sums all products.

        Args:
            pixels: Index in x of each pixel's window.
            first: Index in weights of those of the block.
        """
        lanes, windows = self.product.lanes, self.windows
        step = self.shape.vectors * self.product.length
        for i in range(self.shape.pixels // self.product.pixels * self.shape.vectors):
            T.buffer_store(self.acc, T.Broadcast(T.int32(0), lanes), [i])
        with T.serial(windows.rows) as row, T.serial(windows.columns) as column, T.serial(windows.steps) as i:
            at = row * windows.row + column * windows.column + i * self.product.depth
            number = (row * windows.columns + column) * windows.steps + i
            self._step(x, [pixel + at for pixel in pixels], weights, first + number * step)

    def _step(self, x: Buffer, pixels: list[Expr], weights: Buffer, at: Expr) -> None:
        product, together, count = self.product, self.product.pixels, self.shape.vectors
        w = [bind("w", product.weights(weights, at + i * product.length)) for i in range(count)]
        for unit in range(self.shape.pixels // together):
            inputs = bind("x", product.shared(x, pixels[unit * together :][:together]))
            for i in range(count):
                place = unit * count + i
                T.buffer_store(self.acc, product.multiply(self.acc[place], inputs, w[i]), [place])

    def sums(self, pixel: int) -> list[Expr]:
        """The sums of a pixel, in vectors of `lanes` channels."""
        lanes, together = self.product.lanes, self.product.pixels
        unit, place = divmod(pixel, together)
        vectors = [self.acc[unit * self.shape.vectors + i] for i in range(self.shape.vectors)]
        if together == 1:
            return vectors
        taken = [place * lanes // together + i + j * lanes for j in range(together) for i in range(lanes // together)]
        groups = (vectors[i : i + together] for i in range(0, len(vectors), together))
        return [T.Shuffle(group, list(map(T.int32, taken))) for group in groups]
