"""Depthwise convolution: channels side by side, kernel rows summed within a lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.targets.portable.depthwise import one_output_per_channel
from edgeq.targets.portable.fixed_point import bind
from edgeq.targets.vector.image import Image
from edgeq.targets.vector.panel import Panel
from edgeq.targets.vector.product import lane_product
from edgeq.targets.vector.requantize import output

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target
    from edgeq.targets.vector.requantize import Output

PIXELS = 8
"""Neighbouring outputs that share loads of weights, at most."""


def fits_panel(op: Conv2D) -> bool:
    """True for the depthwise convolutions that this kernel does."""
    return one_output_per_channel(op) and not op.requantize.right and min(op.pads) >= 0


@dataclass(frozen=True, eq=False)
class Strip:
    """Code for the outputs of a row.

    Attributes:
        pixels: Of a block.
        acc: Vectors of sums, local: one for each pixel of a block.
    """

    panel: Panel
    output: Output
    pixels: int
    acc: Buffer

    def emit(self, inputs: Buffer, weights: Buffer, numbers: Buffer, y: Buffer, row: Expr) -> None:
        """All channels of all pixels; the last blocks end with the last channel and pixel.

        Args:
            row: Index of the row's first output in y.
        """
        lanes, channels, width = self.panel.product.lanes, self.output.channels, self.panel.op.y_shape[2]
        with T.serial(-(-channels // lanes)) as group, T.serial(-(-width // self.pixels)) as part:
            channel = bind("channel", T.min(group * lanes, max(0, channels - lanes)))
            first = bind("first", T.min(part * self.pixels, width - self.pixels))
            self._sum(inputs, weights, group, [self.panel.window(first + i, channel) for i in range(self.pixels)])
            for i in range(self.pixels):
                value = self.output(self.acc[i], numbers, channel)
                self.output.store(y, row + (first + i) * channels + channel, value)

    def _sum(self, inputs: Buffer, weights: Buffer, block: Expr, windows: list[Expr]) -> None:
        panel, product, columns = self.panel, self.panel.product, int(self.panel.op.weight.shape[2])
        for i in range(self.pixels):
            T.buffer_store(self.acc, T.Broadcast(T.int32(0), product.lanes), [i])
        with T.serial(panel.groups) as group, T.serial(columns) as column:
            at = ((block * panel.groups + group) * columns + column) * product.length
            w = bind("w", product.weights(weights, at))
            for i, window in enumerate(windows):
                x = product.neighbours(inputs, window + panel.tap(group, column))
                T.buffer_store(self.acc, product.multiply(self.acc[i], x, w), [i])


def depthwise(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution, row by row of the output, from interleaved rows of the padded input."""
    (n, oh, ow, c), product = op.y_shape, lane_product(target)
    image = Image(op, "int8", beyond=0)
    panel, y_dtype, pixels = Panel(op, image, product), program.buffer[op.y].dtype, min(ow, PIXELS)
    table = Table(panel.pack(), "weights")
    form = output(op, product, y_dtype, target)
    x_size = int(np.prod(op.x_shape))

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"),
        w_ptr: T.handle("int8"),
        table_ptr: T.handle("int32"),
        scratch_ptr: T.handle(product.element),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((x_size,), "int8", data=x_ptr)
        w = T.decl_buffer((len(table.data),), "int8", data=w_ptr)
        numbers = T.decl_buffer((form.table.size,), "int32", data=table_ptr)
        padded = T.decl_buffer((image.size,), "int8", data=scratch_ptr)
        rows = T.decl_buffer((panel.size,), product.element, data=scratch_ptr)
        y = T.decl_buffer((n * oh * ow * c,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((pixels,), f"int32x{product.lanes}", scope="local")
        image.fill(x, padded)
        for b, oy in T.grid(n, oh):
            panel.fill(padded, b, oy, rows)
            Strip(panel, form, pixels, acc).emit(rows, w, numbers, y, (b * oh + oy) * ow * c)

    return Generated(kernel, (Reads(op.x), table, form.table.table, panel.scratch, Writes(op.y)))
