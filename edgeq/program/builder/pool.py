"""Average and maximum pooling, window-wise and global."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.activation import Activation
from edgeq.program.builder.context import Context, Shape4, as_nhwc, attribute, ints, node_name, shape_of, two
from edgeq.program.builder.layout import Value
from edgeq.program.builder.matmul import quantized_operand
from edgeq.program.ops import AveragePool, MaxPool
from edgeq.quant.qparams import QuantParams

if TYPE_CHECKING:
    import onnx_ir as ir


class Window:
    """Geometry of a pooling node over NHWC.

    Attributes:
        kernel, strides, dilations: (vertical, horizontal).
        pads: (top, left, bottom, right), enlarged at the end where ceil_mode needs it.
        stated_pads: As the model states them: what `count_include_pad` counts.
    """

    def __init__(self, node: ir.Node, x_shape: Shape4, y_shape: Shape4) -> None:
        spatial = len(shape_of(node.inputs[0])) - 2  # type: ignore[arg-type]
        if node.op_type.startswith("Global"):
            self.kernel = (x_shape[1], x_shape[2])
        else:
            self.kernel = two(ints(node, "kernel_shape", ()), 1)
        self.strides = two(ints(node, "strides", (1,) * spatial), 1)
        self.dilations = two(ints(node, "dilations", (1,) * spatial), 1)
        pads = ints(node, "pads", (0,) * 2 * spatial)
        begin, end = two(pads[:spatial], 0), two(pads[spatial:], 0)
        self.stated_pads = (*begin, *end)
        needed = [max(0, self._reach(a, y_shape[1 + a]) - begin[a] - x_shape[1 + a]) for a in range(2)]
        self.pads: Shape4 = (*begin, needed[0], needed[1])

    def _reach(self, axis: int, y_size: int) -> int:
        """Padded input size that the windows of one axis cover."""
        return (y_size - 1) * self.strides[axis] + (self.kernel[axis] - 1) * self.dilations[axis] + 1

    def valid(self, axis: int, x_size: int, y_size: int, *, padded: bool) -> np.ndarray:
        """How many taps of each output position lie in the input (or in the stated padding too): (y_size,)."""
        low = -self.stated_pads[axis] if padded else 0
        high = x_size + self.stated_pads[2 + axis] if padded else x_size
        taps = np.arange(self.kernel[axis]) * self.dilations[axis]
        at = np.arange(y_size)[:, None] * self.strides[axis] - self.pads[axis] + taps
        return ((at >= low) & (at < high)).sum(axis=1)


def build_average_pool(
    ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None
) -> Value:
    """AveragePool and GlobalAveragePool."""
    x = quantized_operand(ctx, node, 0)
    x_buffer, result, x_shape, y_shape = _operands(ctx, node, x, y, tensor)
    window = Window(node, x_shape, y_shape)
    padded = bool(attribute(node, "count_include_pad", 0))
    divisor = np.outer(*(window.valid(a, x_shape[1 + a], y_shape[1 + a], padded=padded) for a in range(2)))
    divisors, counts = np.unique(divisor, return_inverse=True)
    rq = activation.requantize(x.params.scale / y.scale / np.maximum(divisors, 1), y)
    taps = window.kernel[0] * window.kernel[1]
    if (taps << x.params.bits << rq.left) >= 1 << 31 or rq.negative is not None:
        raise UnsupportedError("the pooling window is too large for int32 sums", node=node_name(node))
    ctx.emit(
        AveragePool(
            node_name(node),
            result.buffer,
            x_buffer,
            x_shape,
            y_shape,
            window.kernel,
            x.params.zero_point,
            rq,
            counts.reshape(y_shape[1:3]).astype(np.int32),
            window.strides,
            window.dilations,
            window.pads,
        )
    )
    return result


def build_max_pool(ctx: Context, node: ir.Node) -> Value:
    """MaxPool and GlobalMaxPool: the result keeps the input's quantization."""
    x = quantized_operand(ctx, node, 0)
    if len(node.outputs) > 1 and node.outputs[1].uses():
        raise UnsupportedError("the indices of MaxPool are not available", node=node_name(node))
    x_buffer, result, x_shape, y_shape = _operands(ctx, node, x, x.params, None)
    window = Window(node, x_shape, y_shape)
    lo, hi = x.params.qmin, x.params.qmax
    ctx.emit(
        MaxPool(
            node_name(node),
            result.buffer,
            x_buffer,
            x_shape,
            y_shape,
            window.kernel,
            lo,
            hi,
            window.strides,
            window.dilations,
            window.pads,
        )
    )
    return result


def _operands(
    ctx: Context, node: ir.Node, x: Value, y: QuantParams, tensor: str | None
) -> tuple[str, Value, Shape4, Shape4]:
    result = ctx.output(shape_of(node.outputs[0]), y, tensor)
    x_buffer, x_shape = ctx.nhwc_operand(x, node)
    return x_buffer, result, x_shape, as_nhwc(ctx.buffers[result.buffer].shape)
