"""Conv, Gemm and MatMul by a constant: the operators with weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.activation import Activation
from edgeq.program.builder.context import (
    Context,
    as_nhwc,
    attribute,
    constant_array,
    ints,
    node_name,
    shape_of,
    two,
)
from edgeq.program.builder.layout import Value, is_dense, is_permutation
from edgeq.program.ops import Conv2D, Dense, Requantize
from edgeq.quant.blocks import common_scale
from edgeq.quant.fixed_point import INT32_LIMIT
from edgeq.quant.qparams import QuantParams

if TYPE_CHECKING:
    import onnx_ir as ir

MIN_MULTIPLIER = 1 << 8


@dataclass(frozen=True, eq=False)
class Weights:
    """Quantized weights as the QDQ model states them.

    Attributes:
        integers: int8, output channel first.
        scale: float64, one per output channel.
        bits: 8, 4 or 2.
        block: Input channels that share a factor, in weights of 8 bits; 0 where they do not come so.
    """

    integers: np.ndarray
    scale: np.ndarray
    bits: int
    block: int = 0


def build_conv(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """Conv over one or two spatial axes."""
    x = quantized_operand(ctx, node, 0)
    weights = read_weights(node, channel_axis=0)
    result = ctx.output(shape_of(node.outputs[0]), y, tensor)
    x_buffer, x_shape = ctx.nhwc_operand(x, node)
    integers, bias, rq = fold(node, weights, x.params, y, activation)
    kernel = np.moveaxis(integers, 1, -1)
    spatial = x.index.ndim - 2
    pads = ints(node, "pads", (0,) * 2 * spatial)
    ctx.emit(
        Conv2D(
            node_name(node),
            result.buffer,
            x_buffer,
            x_shape,
            as_nhwc(ctx.buffers[result.buffer].shape),
            kernel.reshape(as_nhwc(kernel.shape)),
            weights.bits,
            bias,
            x.params.zero_point,
            rq,
            strides=two(ints(node, "strides", (1,) * spatial), 1),
            dilations=two(ints(node, "dilations", (1,) * spatial), 1),
            pads=(*two(pads[:spatial], 0), *two(pads[spatial:], 0)),
            groups=int(attribute(node, "group", 1)),  # type: ignore[call-overload]
            block=weights.block,
        )
    )
    return result


def build_dense(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """Gemm, or MatMul by a constant matrix."""
    x = quantized_operand(ctx, node, 0)
    transposed = node.op_type == "Gemm" and bool(attribute(node, "transB", 0))
    weights = read_weights(node, channel_axis=0 if transposed else 1)
    k = weights.integers.shape[1]
    rows = x.index.size // k
    x_buffer, columns = dense_columns(ctx, x, rows, k, node)
    integers, bias, rq = fold(node, weights, x.params, y, activation)
    shape = shape_of(node.outputs[0])
    buffer = ctx.new_buffer(shape, y, tensor=tensor)
    ctx.emit(
        Dense(
            node_name(node),
            buffer.name,
            x_buffer,
            rows,
            np.ascontiguousarray(integers[:, columns]),
            weights.bits,
            bias,
            rq,
            weights.block if (columns == np.arange(k)).all() else 0,
        )
    )
    return Value(buffer.name, np.arange(buffer.size).reshape(shape), y)


def dense_columns(ctx: Context, x: Value, rows: int, k: int, node: ir.Node) -> tuple[str, np.ndarray]:
    """A buffer of `rows` rows of k elements, and the logical column that each physical column holds.

    An NHWC image flattened as NCHW has its columns permuted: the weights follow, the data stay.
    """
    index = x.index.reshape(rows, k)
    size = ctx.buffers[x.buffer].size
    if not is_dense(index, size) and is_permutation(index[0], k) and size == index.size:
        row_starts = np.arange(rows)[:, None] * k
        if (index == row_starts + index[0]).all():
            return x.buffer, np.argsort(index[0])
    return ctx.dense_buffer(x.at(index), (0, 1), node), np.arange(k)


def quantized_operand(ctx: Context, node: ir.Node, position: int) -> Value:
    """The quantized value that an operand is.

    Raises:
        UnsupportedError: It is a float: nothing quantizes it.
    """
    operand = node.inputs[position]
    value = None if operand is None else ctx.values.get(operand)
    if value is None:
        raise UnsupportedError(
            f"operand {position} of {node.op_type} is not quantized",
            node=node_name(node),
            tensor=None if operand is None else operand.name,
            fix="quantize it: a QuantizeLinear and a DequantizeLinear must stand before this operator",
        )
    return value


def read_weights(node: ir.Node, channel_axis: int, position: int = 1) -> Weights:
    """The weights of a node, from initializer -> DequantizeLinear, output channel moved to the front."""
    weight = node.inputs[position]
    dequantize = None if weight is None else weight.producer()
    data = None if dequantize is None else constant_array(dequantize.inputs[0])
    if dequantize is None or dequantize.op_type != "DequantizeLinear" or data is None:
        raise UnsupportedError(
            f"the weight of {node.op_type} is not a quantized constant",
            node=node_name(node),
            tensor=weight.name if weight else None,
            fix="store it as an int8 initializer behind a DequantizeLinear",
        )
    zero = constant_array(dequantize.inputs[2]) if len(dequantize.inputs) > 2 else None
    if zero is not None and np.asarray(zero, np.int32).any():
        raise UnsupportedError(
            "the weight has a zero point", node=node_name(node), fix="quantize weights symmetrically"
        )
    bits = {"INT8": 8, "INT4": 4, "INT2": 2}[dequantize.inputs[0].dtype.name]  # type: ignore[union-attr]
    integers = np.moveaxis(data.astype(np.int8), channel_axis, 0)
    scales = np.asarray(constant_array(dequantize.inputs[1]), np.float64)
    block = int(attribute(dequantize, "block_size", 0))  # type: ignore[call-overload]
    if block:
        return _blockwise(integers, np.moveaxis(scales, channel_axis, 0), block)
    return Weights(integers, np.broadcast_to(scales.reshape(-1), integers.shape[:1]), bits)


def _blockwise(codes: np.ndarray, scales: np.ndarray, block: int) -> Weights:
    """Codes with a scale per block of input channels (axis 1) as int8 weights; `MergeBlocks` has let them in."""
    common, factors = common_scale(scales.reshape(len(scales), -1))
    wide = factors.reshape(scales.shape).repeat(block, axis=1)
    return Weights((codes * wide).astype(np.int8), common.astype(np.float64), 8, block)


def read_bias(node: ir.Node, scale: np.ndarray) -> np.ndarray:
    """The int64 bias of a node, in units of `scale` (one per output channel)."""
    if len(node.inputs) < 3 or node.inputs[2] is None:
        return np.zeros(len(scale), np.int64)
    dequantize = node.inputs[2].producer()
    data = None if dequantize is None else constant_array(dequantize.inputs[0])
    if dequantize is None or data is None or data.dtype != np.int32:
        raise UnsupportedError(
            "the bias is not an int32 constant behind a DequantizeLinear",
            node=node_name(node),
            tensor=node.inputs[2].name,
            fix="run the pass freeze_weights on the model",
        )
    stated = np.asarray(constant_array(dequantize.inputs[1]), np.float64).reshape(-1)
    if not np.allclose(stated, scale, rtol=1e-5, atol=0):
        raise UnsupportedError(
            "the bias scale is not input scale times weight scale", node=node_name(node), tensor=node.inputs[2].name
        )
    return np.broadcast_to(data.astype(np.int64), scale.shape)


def fold(
    node: ir.Node, weights: Weights, x: QuantParams, y: QuantParams, activation: Activation
) -> tuple[np.ndarray, np.ndarray, Requantize]:
    """Folds the input zero point into the bias and chooses multipliers; proves that int32 is enough.

    Returns:
        Weights, int32 bias, requantization. A channel whose multiplier would be below 2^8 emits its exact constant.

    Raises:
        UnsupportedError: The bias does not fit int32, or the accumulator cannot be shifted into it.
    """
    scale = x.scale * weights.scale
    real = scale / y.scale
    integers = weights.integers.astype(np.int64)
    sums = integers.reshape(len(integers), -1)
    bias = read_bias(node, scale) - x.zero_point * sums.sum(axis=1)
    if np.abs(bias).max(initial=0) >= INT32_LIMIT:
        raise UnsupportedError("the bias does not fit int32 beside these weight scales", node=node_name(node))
    bound = np.abs(bias) + np.abs(sums).sum(axis=1) * (1 << (x.bits - 1))
    right = pre_shift(int(bound.max(initial=0)), real, x.bits)
    constant = real * 2.0 ** (31 + right) < MIN_MULTIPLIER
    integers, bias, real = _exact_constants(integers, bias, real, constant)
    rq = activation.requantize(real, y, right=right)
    if (bound.max(initial=0) >> right) << rq.left >= INT32_LIMIT:
        raise UnsupportedError(
            "the accumulator does not fit int32 before a multiplier above one half",
            node=node_name(node),
            fix="the output scale is far smaller than the products: check its range",
        )
    return integers.astype(np.int8), bias.astype(np.int32), rq


def pre_shift(bound: int, real: np.ndarray, x_bits: int) -> int:
    """Rounding pre-shift of an accumulator: what brings it into int32.

    Behind 16-bit inputs multipliers may be below 2^-16: then as much more as gives the smallest one 15 significant
    bits, while the shift's own rounding stays below 2^-10 of an output step.
    """
    needed = max(0, bound.bit_length() - 31)
    if x_bits <= 8 or not real.size:
        return needed
    wanted, affordable = np.ceil(-16 - np.log2(real.min())), np.floor(-9 - np.log2(real.max()))
    return max(needed, int(min(wanted, affordable)))


def _exact_constants(
    integers: np.ndarray, bias: np.ndarray, real: np.ndarray, constant: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Channels marked constant: zero weights, and a bias of 4k under a multiplier of 1/4, which is exactly k."""
    steps = np.floor(bias * real + 0.5).astype(np.int64)
    mask = constant.reshape(-1, *(1,) * (integers.ndim - 1))
    return (
        np.where(mask, 0, integers),
        np.where(constant, 4 * steps, bias),
        np.where(constant, 0.25, real),
    )
