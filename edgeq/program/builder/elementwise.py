"""Add, Sub, Mul, and functions of one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.activation import ACTIVATIONS, Activation, read_activation
from edgeq.program.builder.context import Context, attribute, node_name, shape_of, views
from edgeq.program.builder.layout import Value, channels_last, dense, is_permutation, joint_views
from edgeq.program.builder.matmul import quantized_operand
from edgeq.program.ops import Add, Conv2D, Copy, Interpolate, Lut, Mul, View
from edgeq.quant.fixed_point import INT32_LIMIT, add_coefficients
from edgeq.quant.qparams import QuantParams
from edgeq.quant.scheme import FUNCTIONS
from edgeq.quant.tables import interpolation_table, lookup_table

if TYPE_CHECKING:
    import onnx_ir as ir


def build_binary(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """Add, Sub or Mul, with broadcasting."""
    shape = shape_of(node.outputs[0])
    (x1, x2), layout, (view1, view2) = _walked(ctx, node, shape)
    result = Value(ctx.new_buffer(layout.shape, y, tensor=tensor).name, layout.index, y)
    if activation.slope is not None:
        raise UnsupportedError(f"a slope cannot be fused into {node.op_type}", node=node_name(node))
    if node.op_type == "Mul":
        rq = activation.requantize(x1.params.scale * x2.params.scale / y.scale, y)
        if x1.params.reach * x2.params.reach << rq.left >= INT32_LIMIT:
            fix = "the output scale is far smaller than the products: check its range"
            raise UnsupportedError("the products do not fit int32", node=node_name(node), fix=fix)
        zeros = x1.params.zero_point, x2.params.zero_point
        ctx.emit(Mul(node_name(node), result.buffer, x1.buffer, x2.buffer, view1, view2, *zeros, rq))
        return result
    sign = -1.0 if node.op_type == "Sub" else 1.0
    coefficients = _coefficients(node, x1.params, x2.params, y, sign)
    ctx.emit(
        Add(node_name(node), result.buffer, x1.buffer, x2.buffer, view1, view2, *coefficients, *activation.limits(y))
    )
    return result


def _coefficients(
    node: ir.Node, x1: QuantParams, x2: QuantParams, y: QuantParams, sign: float
) -> tuple[int, int, int, int]:
    try:
        return add_coefficients(
            x1.scale / y.scale,
            x1.zero_point,
            sign * x2.scale / y.scale,
            x2.zero_point,
            y.zero_point,
            1 << (x1.bits - 1),
            1 << (x2.bits - 1),
        )
    except OverflowError as error:
        raise UnsupportedError(str(error), node=node_name(node), fix="check the output's range") from error


@dataclass(frozen=True, eq=False)
class _Layout:
    """How an element-wise result lies in memory: the shape of its buffer, and its index map."""

    shape: tuple[int, ...]
    index: np.ndarray


def _walked(
    ctx: Context, node: ir.Node, shape: tuple[int, ...]
) -> tuple[tuple[Value, Value], _Layout, tuple[View, ...]]:
    """The operands, the layout of the result, and loops that walk the operands in the order of the result's memory.

    Operands in orders that have no common loops are first copied into row-major order.
    """
    x1, x2 = quantized_operand(ctx, node, 0), quantized_operand(ctx, node, 1)
    layout, sequences = _sequences(ctx, x1, x2, shape)
    found = joint_views(*sequences)
    if found is None:
        x1, x2 = ctx.row_major(x1, node), ctx.row_major(x2, node)
        layout, sequences = _sequences(ctx, x1, x2, shape)
        found = views(*sequences)
    return (x1, x2), layout, found


def _sequences(ctx: Context, x1: Value, x2: Value, shape: tuple[int, ...]) -> tuple[_Layout, list[np.ndarray]]:
    """The layout of the result, and the offsets of each operand in the order of the result's memory."""
    layout = _layout(ctx, (x1, x2), shape)
    walk = np.argsort(layout.index, axis=None)
    return layout, [np.broadcast_to(x.index, shape).ravel()[walk] for x in (x1, x2)]


def _layout(ctx: Context, operands: tuple[Value, ...], shape: tuple[int, ...]) -> _Layout:
    """That of the first dense operand of full shape, so that the operator walks memory in order; else channels last."""
    for x in operands:
        if not x.constant and x.index.shape == shape and is_permutation(x.index, ctx.buffers[x.buffer].size):
            return _Layout(ctx.buffers[x.buffer].shape, x.index)
    order = channels_last(len(shape))
    physical = tuple(shape[axis] for axis in order)
    return _Layout(physical, dense(physical).transpose(np.argsort(order)))


def build_unary(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """A function of one value: a table for int8; for int16 an interpolated one, clamps and slopes exactly."""
    x = quantized_operand(ctx, node, 0)
    if not is_permutation(x.index, ctx.buffers[x.buffer].size):
        order = channels_last(x.index.ndim)
        index = dense(x.index.transpose(order).shape).transpose(np.argsort(order))
        x = Value(ctx.dense_buffer(x, order, node), index, x.params)
    if node.op_type == "PRelu":
        return _build_prelu(ctx, node, x, y, tensor)
    buffer = ctx.new_buffer(ctx.buffers[x.buffer].shape, y, tensor=tensor)
    function = _with(activation, _function(node))
    if x.params.bits <= 8:
        ctx.emit(Lut(node_name(node), buffer.name, x.buffer, lookup_table(function, x.params, y)))
    elif node.op_type in ACTIVATIONS:
        ctx.emit(_clamp_copy(node, x, y, buffer.name, buffer.size))
    else:
        table = interpolation_table(function, x.params, y)
        ctx.emit(Interpolate(node_name(node), buffer.name, x.buffer, table, 23 - y.bits, y.qmin, y.qmax))
    return Value(buffer.name, x.index, y)


def _with(activation: Activation, f: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: f(x).clip(activation.lo, activation.hi)


def _clamp_copy(node: ir.Node, x: Value, y: QuantParams, buffer: str, size: int) -> Copy:
    rq = read_activation(node).requantize(x.params.scale / y.scale, y)
    view = View((size,), (1,))
    return Copy(node_name(node), buffer, x.buffer, view, view, x.params.zero_point, rq)


def _build_prelu(ctx: Context, node: ir.Node, x: Value, y: QuantParams, tensor: str | None) -> Value:
    """PRelu that no convolution absorbed: a depthwise 1x1 convolution by one."""
    shape = shape_of(node.outputs[0])
    x_buffer = ctx.dense_buffer(x, channels_last(len(shape)), node)
    result = ctx.output(shape, y, tensor)
    channels = shape[1] if len(shape) > 1 else shape[0]
    nhwc = (1, 1, int(np.prod(shape)) // channels, channels)
    real = np.full(channels, x.params.scale / y.scale)
    slope = np.broadcast_to(read_activation(node).slope, channels)  # type: ignore[arg-type]
    bias = np.full(channels, -x.params.zero_point, np.int32)
    ctx.emit(
        Conv2D(
            node_name(node),
            result.buffer,
            x_buffer,
            nhwc,
            nhwc,
            np.ones((channels, 1, 1, 1), np.int8),
            8,
            bias,
            x.params.zero_point,
            Activation(slope=slope).requantize(real, y),
            groups=channels,
        )
    )
    return result


def _erf(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return erf(x)


_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Tanh": np.tanh,
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Exp": np.exp,
    "Abs": np.abs,
    "Neg": np.negative,
    "Sqrt": np.sqrt,
    "Erf": _erf,
    "Softplus": lambda x: np.logaddexp(0, x),
}
UNARY = FUNCTIONS | ACTIVATIONS


def _function(node: ir.Node) -> Callable[[np.ndarray], np.ndarray]:
    """The real function of a node, on float64 arrays."""
    alpha = attribute(node, "alpha")
    match node.op_type:
        case "HardSigmoid":
            a, b = (float(attribute(node, k, d)) for k, d in (("alpha", 0.2), ("beta", 0.5)))  # type: ignore[arg-type]
            return lambda x: np.clip(a * x + b, 0, 1)
        case "Elu":
            a = 1.0 if alpha is None else float(alpha)  # type: ignore[arg-type]
            return lambda x: np.where(x < 0, a * np.expm1(x), x)
        case "Gelu" if attribute(node, "approximate", "none") == "tanh":
            return lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        case "Gelu":
            return lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(2)))
        case op if op in ACTIVATIONS:
            act = read_activation(node)
            slope = 1.0 if act.slope is None else float(act.slope[0])
            return lambda x: np.where(x < 0, slope * x, x).clip(act.lo, act.hi)
    return _FUNCTIONS[node.op_type]
