"""Blocks of pixels through a whole layer: products for some channels, then their requantization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.targets.dsp.intrinsics import forget
from edgeq.targets.mve.block import Memory, Product
from edgeq.targets.mve.intrinsics import WORDS, opaque
from edgeq.targets.mve.requantize import planes
from edgeq.targets.mve.weights import Offset
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.mve.requantize import Output
    from edgeq.targets.mve.weights import Weights
    from edgeq.targets.mve.windows import Start, Windows

GROUP = 32
"""Channels at most; a multiple of every block's."""


@dataclass(frozen=True, eq=False)
class Pointers:
    """What a layer works on: input, packed weights, accumulators, collected sums, numbers of the channels, output."""

    x: Buffer
    weights: Buffer
    acc: Buffer
    sums: Buffer
    numbers: Buffer
    y: Buffer

    @property
    def of_block(self) -> Memory:
        """What the code of a block works on."""
        return Memory(self.x, self.weights, self.acc, self.sums)


@dataclass(frozen=True, eq=False)
class Layer:
    """A matrix product with requantization.

    Attributes:
        windows: Of the pixels.
        output: Requantization.
        pixels: Of a block, at most.
    """

    windows: Windows
    weights: Weights
    output: Output
    pixels: int

    @property
    def group(self) -> int:
        """Channels whose sums are collected before they are requantized."""
        return collected(1, self.output.channels, self.output.bits)

    @property
    def blocks(self) -> int:
        """Blocks of channels."""
        return -(-self.output.channels // self.weights.channels)

    @property
    def accumulators(self) -> int:
        """Of a block."""
        return self.pixels * self.weights.channels

    def emit(self, memory: Pointers, pixels: int, first: Expr, at: Expr) -> None:
        """Code for all channels of neighbouring pixels.

        Args:
            first: Index in x at which the first pixel's window begins.
            at: Number of the first pixel in y.
        """
        channels, group = self.output.channels, self.group
        blocks, lanes = group // self.weights.channels, self.output.lanes
        start = self.windows.begin(memory.x, pixels, first)
        offsets = self._offsets(memory, pixels, start)
        with T.serial(-(-channels // group)) as part:
            with T.serial(bind("blocks", _part(self.blocks, blocks, part))) as i:
                forget(memory.x.data)
                product = Product(self.windows, self.weights, group)
                product.emit(memory.of_block, pixels, start, part * blocks + i, i * self.weights.channels)
            vectors = group // lanes
            with T.serial(bind("vectors", _part(self.output.vectors, vectors, part))) as i:
                forget(memory.numbers.data)
                vector = bind("vector", part * vectors + i)
                numbers = self.output.numbers(memory.numbers, vector)
                for pixel in range(pixels):
                    value = self.output(memory.sums, pixel * group + i * lanes, offsets[pixel], numbers)
                    y = (at + pixel) * channels + vector * lanes
                    self.output.store(memory.y, y, value, vector * lanes)

    def _offsets(self, memory: Pointers, pixels: int, start: Start) -> list[Expr | None]:
        """What the sums of each pixel lack."""
        if self.output.bits == 8:
            return [None] * pixels
        Product(self.windows, Offset(self.output.bits)).multiply(memory.of_block, pixels, start, T.int32(0))
        return [bind("offset", memory.acc[pixel]) for pixel in range(pixels)]


def collected(pixels: int, channels: int, bits: int) -> int:
    """Words of sums that a block collects before it requantizes them."""
    lanes = WORDS * planes(bits)
    return pixels * min(GROUP, -(-channels // lanes) * lanes)


def _part(total: int, size: int, number: Expr) -> Expr:
    """How many of `total` things lie in part `number` of size `size`: opaque, as unrolled loops of vectors spill."""
    return opaque(T.int32(size) if total % size == 0 else T.min(size, total - number * size))
