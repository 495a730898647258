"""The shape of a sliding-window operator that is computed row by row, from a ring of input rows."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.program.ops import AveragePool, Conv2D, Dense, MaxPool

Windowed = Conv2D | Dense | AveragePool | MaxPool


@dataclass(frozen=True)
class Geometry:
    """What a window sweeps over; a fully connected layer is a 1x1 window over a column of rows.

    Attributes:
        height, width, channels: Of the input.
        out_height, out_width, out_channels: Of the output.
        kernel, strides, dilations: (vertical, horizontal).
        top, left: Padding.
        groups: Of channels: each output reads the inputs of its own.
    """

    height: int
    width: int
    channels: int
    out_height: int
    out_width: int
    out_channels: int
    kernel: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    top: int = 0
    left: int = 0
    groups: int = 1

    @property
    def depthwise(self) -> bool:
        """Whether each output channel reads one input channel, which no other one reads."""
        return self.groups == self.channels == self.out_channels

    @property
    def group_inputs(self) -> int:
        """Input channels of an output channel."""
        return self.channels // self.groups

    @property
    def group_outputs(self) -> int:
        """Output channels that read the same input channels."""
        return self.out_channels // self.groups

    @property
    def row(self) -> int:
        """Elements of an input row."""
        return self.width * self.channels

    @property
    def out_row(self) -> int:
        """Elements of an output row."""
        return self.out_width * self.out_channels

    @property
    def taps(self) -> int:
        """Positions of the window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def span(self) -> int:
        """Input rows from the first to the last that a window meets."""
        return (self.kernel[0] - 1) * self.dilations[0] + 1

    @property
    def ring(self) -> int:
        """Input rows kept: a power of two, so that a row's place is found by a mask."""
        return 1 << (self.span - 1).bit_length()

    @property
    def padded(self) -> bool:
        """Whether some window leaves the image."""
        last_y = (self.out_height - 1) * self.strides[0] + self.span - 1 - self.top
        across = (self.kernel[1] - 1) * self.dilations[1]
        last_x = (self.out_width - 1) * self.strides[1] + across - self.left
        return self.top > 0 or self.left > 0 or last_y >= self.height or last_x >= self.width


def geometry(op: Windowed) -> Geometry:
    """Of a convolution, a pooling or a fully connected layer over one sample."""
    if isinstance(op, Dense):
        outputs, inputs = op.weight.shape
        return Geometry(op.rows, 1, inputs, op.rows, 1, outputs)
    kernel = op.weight.shape[1:3] if isinstance(op, Conv2D) else op.kernel
    groups = op.groups if isinstance(op, Conv2D) else op.x_shape[3]
    return Geometry(*op.x_shape[1:], *op.y_shape[1:], kernel, op.strides, op.dilations, *op.pads[:2], groups)
