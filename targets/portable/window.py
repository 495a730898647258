"""Where the taps of a sliding window fall on the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.program.ops import AveragePool, Conv2D, MaxPool


class Window:
    """Geometry of a convolution or pooling operator.

    Args:
        op: Gives shapes, strides, dilations and pads.
        kernel: (kh, kw).
    """

    def __init__(self, op: Conv2D | AveragePool | MaxPool, kernel: tuple[int, int]) -> None:
        self.height, self.width = op.x_shape[1:3]
        (self.stride_y, self.stride_x), (self.dilation_y, self.dilation_x) = op.strides, op.dilations
        self.top, self.left = op.pads[:2]
        last_y = (op.y_shape[1] - 1) * self.stride_y + (kernel[0] - 1) * self.dilation_y - self.top
        last_x = (op.y_shape[2] - 1) * self.stride_x + (kernel[1] - 1) * self.dilation_x - self.left
        self.always_inside = self.top <= 0 and self.left <= 0 and last_y < self.height and last_x < self.width

    def row(self, oy: Expr, ky: Expr) -> Expr:
        """Image row that kernel row `ky` meets at output row `oy`."""
        return oy * self.stride_y + ky * self.dilation_y - self.top

    def column(self, ox: Expr, kx: Expr) -> Expr:
        """Image column that kernel column `kx` meets at output column `ox`."""
        return ox * self.stride_x + kx * self.dilation_x - self.left

    def inside(self, iy: Expr, ix: Expr) -> Expr | bool:
        """Whether (iy, ix) lies in the image; decided now where no window leaves it."""
        if self.always_inside:
            return True
        return T.And(T.And(iy >= 0, iy < self.height), T.And(ix >= 0, ix < self.width))
