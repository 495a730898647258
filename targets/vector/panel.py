"""Image rows under each other: what a depthwise product sums lies side by side, kernel rows of one channel.

For each row of output, the image rows that its windows cover are interleaved by as many as a product adds up, so that a
vector holds them for neighbouring channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Scratch
from edgeq.targets.portable.fixed_point import bind
from edgeq.targets.vector.product import converted, itemsize

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.targets.vector.image import Image
    from edgeq.targets.vector.product import Product

CHUNK = 16
"""Elements of each row that are interleaved at a time."""


@dataclass(frozen=True)
class Panel:
    """Geometry of the interleaved rows, in elements of the product.

    Attributes:
        op: A depthwise convolution.
        image: Its padded input, in bytes.
    """

    op: Conv2D
    image: Image
    product: Product

    @property
    def groups(self) -> int:
        """Of kernel rows."""
        return -(-int(self.op.weight.shape[1]) // self.product.depth)

    @property
    def row(self) -> int:
        """Elements of an image row."""
        return self.image.width * self.op.x_shape[3]

    @property
    def first(self) -> int:
        """Where it begins in scratch memory: behind the image."""
        return -(-self.image.nbytes // itemsize(self.product.element))

    @property
    def size(self) -> int:
        """Of image and panel; vectors may be read at the end of the last pixel."""
        return self.first + (self.groups * self.row + self.product.lanes) * self.product.depth

    @property
    def scratch(self) -> Scratch:
        """The memory that both take."""
        return Scratch(self.product.element, self.size * itemsize(self.product.element))

    def fill(self, image: Buffer, number: Expr, oy: Expr, panel: Buffer) -> None:
        """Interleaves the rows that a row of output needs.

        Args:
            image: The padded images.
            number: Of the image.
            oy: Row of output.
        """
        depth, chunk = self.product.depth, min(CHUNK, self.row)
        top = oy * self.op.strides[0]
        for group in range(self.groups):
            below = (top + (group * depth + i) * self.op.dilations[0] for i in range(depth))
            lines = [number * self.image.height + T.min(line, self.image.height - 1) for line in below]
            rows = [bind("row", line * self.row) for line in lines]
            with T.serial(-(-self.row // chunk)) as i:
                at = bind("at", T.min(i * chunk, self.row - chunk))
                together = _interleaved([image[T.Ramp(row + at, 1, chunk)] for row in rows], chunk)
                elements = converted(together, self.product.element, chunk * depth)
                T.buffer_store(
                    panel, elements, [T.Ramp(self.first + (group * self.row + at) * depth, 1, chunk * depth)]
                )

    def window(self, ox: Expr, channel: Expr) -> Expr:
        """Index of the first element of a window."""
        return self.first + (ox * (self.op.strides[1] * self.op.x_shape[3]) + channel) * self.product.depth

    def tap(self, group: Expr, column: Expr) -> Expr:
        """From the first element of a window to that of a group of kernel rows in a kernel column."""
        return (group * self.row + column * (self.op.dilations[1] * self.op.x_shape[3])) * self.product.depth

    def pack(self) -> np.ndarray:
        """Weights in the order (block of channels, group of rows, column, channel, row of the group): int8.

        The last block ends with the last channel; missing channels and rows are zeros.
        """
        c, kh, kw, _ = self.op.weight.shape
        lanes, depth = self.product.lanes, self.product.depth
        filled = np.pad(self.op.weight[..., 0], ((0, max(0, lanes - c)), (0, self.groups * depth - kh), (0, 0)))
        starts = np.minimum(np.arange(-(-c // lanes)) * lanes, max(0, c - lanes))
        blocks = filled[starts[:, None] + np.arange(lanes)].reshape(len(starts), lanes, self.groups, depth, kw)
        return blocks.transpose(0, 2, 4, 1, 3).reshape(-1)


def _interleaved(rows: list[Expr], length: int) -> Expr:
    """The first elements of all rows, then the second ones, and so on."""
    if len(rows) == 1:
        return rows[0]
    return T.Shuffle(rows, [T.int32(j * length + k) for k in range(length) for j in range(len(rows))])
