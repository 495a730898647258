"""Operators on rows of what the network computes: Softmax, LayerNormalization, MatMul of two activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.activation import Activation
from edgeq.program.builder.context import Context, attribute, constant_array, node_name, shape_of
from edgeq.program.builder.layout import Value, dense
from edgeq.program.builder.matmul import pre_shift, quantized_operand
from edgeq.program.ops import LayerNorm, MatMul, Softmax
from edgeq.quant.fixed_point import INT32_LIMIT
from edgeq.quant.normalization import ROW_LIMIT, layer_norm_coefficients
from edgeq.quant.qparams import QuantParams
from edgeq.quant.tables import SOFTMAX_QUOTIENT_BITS, softmax_table

if TYPE_CHECKING:
    import onnx_ir as ir


def build_softmax(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """Softmax over one axis."""
    x = quantized_operand(ctx, node, 0)
    if x.params.bits == 16:
        raise UnsupportedError("Softmax needs 8-bit input", node=node_name(node))
    rank = x.index.ndim
    axis = int(attribute(node, "axis", -1)) % rank  # type: ignore[call-overload]
    order = (*(a for a in range(rank) if a != axis), axis)
    x_buffer = ctx.dense_buffer(x, order, node)
    physical = x.index.transpose(order).shape
    buffer = ctx.new_buffer(physical, y, tensor=tensor)
    rq = activation.requantize(2.0**-SOFTMAX_QUOTIENT_BITS / y.scale, y)
    table = softmax_table(x.params.scale)
    ctx.emit(Softmax(node_name(node), buffer.name, x_buffer, buffer.size // physical[-1], physical[-1], table, rq))
    return Value(buffer.name, dense(physical).transpose(np.argsort(order)), y)


def build_layer_norm(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """LayerNormalization over the last axes."""
    x = quantized_operand(ctx, node, 0)
    shape = x.index.shape
    axis = int(attribute(node, "axis", -1)) % len(shape)  # type: ignore[call-overload]
    n = int(np.prod(shape[axis:], dtype=np.int64))
    if n >= ROW_LIMIT:
        raise UnsupportedError(
            f"a normalization over {n} elements", node=node_name(node), fix=f"at most {ROW_LIMIT - 1} are possible"
        )
    gamma, beta = _per_element(node, 1, n), _per_element(node, 2, n)
    epsilon = float(attribute(node, "epsilon", 1e-5))  # type: ignore[arg-type]
    try:
        coefficients = layer_norm_coefficients(gamma, beta, epsilon, x.params, y)
    except OverflowError as error:
        raise UnsupportedError(str(error), node=node_name(node), fix="check the output's range") from error
    x_buffer = ctx.dense_buffer(x, tuple(range(len(shape))), node)
    buffer = ctx.new_buffer(shape, y, tensor=tensor)
    ctx.emit(
        LayerNorm(node_name(node), buffer.name, x_buffer, buffer.size // n, n, *coefficients, *activation.limits(y))
    )
    return Value(buffer.name, dense(shape), y)


def _per_element(node: ir.Node, position: int, n: int) -> np.ndarray:
    """A factor or offset of a normalization, float64 (n,); an absent offset is 0."""
    value = node.inputs[position] if position < len(node.inputs) else None
    if value is None:
        return np.zeros(n)
    array = constant_array(value)
    if array is None or array.size not in (1, n):
        raise UnsupportedError(
            "the factors of a normalization must be constant", node=node_name(node), tensor=value.name
        )
    return np.broadcast_to(array.reshape(-1).astype(np.float64), n)


def build_matmul(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """MatMul of two activations, with broadcasting of the axes before the matrices."""
    shape = shape_of(node.outputs[0])
    (x1, x1_buffer), (x2, x2_buffer) = _matrices(ctx, node, 0, shape), _matrices(ctx, node, 1, shape)
    m, k = x1.index.shape[-2:]
    n = x2.index.shape[-2]
    buffer = ctx.new_buffer(shape, y, tensor=tensor)
    real = np.array([x1.params.scale * x2.params.scale / y.scale])
    bound = k * x1.params.reach * x2.params.reach
    rq = activation.requantize(real, y, right=pre_shift(bound, real, max(x1.params.bits, x2.params.bits)))
    if bound >> rq.right << rq.left >= INT32_LIMIT:
        fix = "the output scale is far smaller than the products: check its range"
        raise UnsupportedError("the sums do not fit int32", node=node_name(node), fix=fix)
    batch, zeros = buffer.size // (m * n), (x1.params.zero_point, x2.params.zero_point)
    ctx.emit(MatMul(node_name(node), buffer.name, x1_buffer, x2_buffer, batch, m, n, k, *zeros, rq))
    return Value(buffer.name, dense(shape), y)


def _matrices(ctx: Context, node: ir.Node, position: int, shape: tuple[int, ...]) -> tuple[Value, str]:
    """An operand with the summed axis last, and a buffer that holds it densely so, repeated where it is broadcast."""
    x = quantized_operand(ctx, node, position)
    index = x.index if position == 0 else x.index.swapaxes(-1, -2)
    x = x.at(np.broadcast_to(index, (*shape[:-2], *index.shape[-2:])))
    return x, ctx.dense_buffer(x, tuple(range(x.index.ndim)), node)
