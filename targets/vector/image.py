"""The input of a layer with its padding around it, in the element type that products read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.targets.vector.product import converted, itemsize

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.targets.vector.product import Element


@dataclass(frozen=True)
class Image:
    """Geometry of the padded input of a convolution, in elements.

    Attributes:
        op: The convolution; its pads are not negative.
        element: Type of the elements.
        beyond: Elements that may be read behind the last one.
    """

    op: Conv2D
    element: Element
    beyond: int

    @property
    def height(self) -> int:
        """Rows, padding included."""
        return self.op.x_shape[1] + self.op.pads[0] + self.op.pads[2]

    @property
    def width(self) -> int:
        """Columns, padding included."""
        return self.op.x_shape[2] + self.op.pads[1] + self.op.pads[3]

    @property
    def size(self) -> int:
        """Of all images, and what may be read behind them."""
        n, _, _, c = self.op.x_shape
        return n * self.height * self.width * c + self.beyond

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return self.size * itemsize(self.element)

    def fill(self, x: Buffer, padded: Buffer) -> None:
        """Writes the padding and the input."""
        (n, ih, iw, c), (top, left, *_) = self.op.x_shape, self.op.pads
        if any(self.op.pads):
            with T.serial(self.size) as i:
                T.buffer_store(padded, converted(T.int8(self.op.x_zero_point), self.element), [i])
        with T.serial(n) as b, T.serial(ih) as row, T.serial(iw * c) as i:
            to = ((b * self.height + row + top) * self.width + left) * c
            T.buffer_store(padded, converted(x[(b * ih + row) * iw * c + i], self.element), [to + i])

    def window(self, number: Expr) -> Expr:
        """Index of the first element of the window of output pixel `number`."""
        (n, oh, ow, _), (sh, sw), c = self.op.y_shape, self.op.strides, self.op.x_shape[3]
        if (sh, sw) == (1, 1) and self.width == ow and (self.height == oh or n == 1):
            return number * c
        row, column = T.truncdiv(number, ow), T.truncmod(number, ow)
        image, line = T.truncdiv(row, oh), T.truncmod(row, oh)
        return ((image * self.height + line * sh) * self.width + column * sw) * c
