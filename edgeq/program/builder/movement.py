"""Operators that only move data: they rearrange the index map, and copy only what must be next to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.activation import Activation
from edgeq.program.builder.context import Context, attribute, constant_array, ints, node_name, shape_of
from edgeq.program.builder.layout import Value, joint_views
from edgeq.program.builder.matmul import quantized_operand
from edgeq.program.ops import Copy, Fill
from edgeq.quant.fixed_point import round_half_up
from edgeq.quant.qparams import QuantParams

if TYPE_CHECKING:
    import onnx_ir as ir

RESHAPES = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"})
MOVEMENTS = RESHAPES | {"Transpose", "Slice", "Split", "Resize", "Pad", "Expand"}


def build_movement(ctx: Context, node: ir.Node) -> list[Value]:
    """The results of a data movement: one value per output, each walked in row-major order by nested loops.

    Where the movement alone does not leave it so (a split in the middle of a flattened image), it moves a copy of its
    operand in row-major order.
    """
    x = quantized_operand(ctx, node, 0)
    results = _moved(ctx, node, x)
    if any(joint_views(result.index) is None for result in results):
        results = _moved(ctx, node, ctx.row_major(x, node))
    return results


def _moved(ctx: Context, node: ir.Node, x: Value) -> list[Value]:
    match node.op_type:
        case op if op in RESHAPES:
            return [x.at(x.index.reshape(shape_of(node.outputs[0])))]
        case "Transpose":
            default = tuple(reversed(range(x.index.ndim)))
            return [x.at(x.index.transpose(ints(node, "perm", default)))]
        case "Slice":
            return [x.at(x.index[_slices(node, x.index.shape)])]
        case "Split":
            return _split(node, x)
        case "Expand":
            return [x.at(np.broadcast_to(x.index, shape_of(node.outputs[0])))]
        case "Resize":
            return [_resize(node, x)]
        case _:
            return [_pad(ctx, node, x)]


def _operand(node: ir.Node, position: int) -> np.ndarray | None:
    """A constant operand that steers the movement; None where it is absent."""
    if len(node.inputs) <= position or node.inputs[position] is None or not node.inputs[position].name:  # type: ignore[union-attr]
        return None
    array = constant_array(node.inputs[position])
    if array is None:
        raise UnsupportedError(
            f"operand {position} of {node.op_type} is not a constant",
            node=node_name(node),
            tensor=node.inputs[position].name,  # type: ignore[union-attr]
            fix="fix the model's shapes with --shape",
        )
    return array


def _slices(node: ir.Node, shape: tuple[int, ...]) -> tuple[slice, ...]:
    starts, ends, axes, steps = (_operand(node, i) for i in range(1, 5))
    assert starts is not None and ends is not None
    result = [slice(None)] * len(shape)
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis = int(i if axes is None else axes[i]) % len(shape)
        step = 1 if steps is None else int(steps[i])
        first, last = _clamped(int(start), int(end), step, shape[axis])
        result[axis] = slice(first, None if last < 0 else last, step)
    return tuple(result)


def _clamped(start: int, end: int, step: int, size: int) -> tuple[int, int]:
    """ONNX Slice's clamping of one axis; an end of -1 stands for before the first element."""
    start, end = (v + size if v < 0 else v for v in (start, end))
    if step > 0:
        return min(max(start, 0), size), min(max(end, 0), size)
    return min(max(start, 0), size - 1), min(max(end, -1), size - 1)


def _split(node: ir.Node, x: Value) -> list[Value]:
    axis = int(attribute(node, "axis", 0)) % x.index.ndim  # type: ignore[call-overload]
    ends = np.cumsum([shape_of(output)[axis] for output in node.outputs])
    return [x.at(part) for part in np.split(x.index, ends[:-1], axis=axis)]


def _resize(node: ir.Node, x: Value) -> Value:
    """Nearest-neighbour enlargement by integer factors: every element is read several times."""
    index = x.index
    for axis, (new, old) in enumerate(zip(shape_of(node.outputs[0]), x.index.shape, strict=True)):
        if attribute(node, "mode", "nearest") != "nearest" or new % old:
            raise UnsupportedError(
                "only nearest Resize by integer factors is supported",
                node=node_name(node),
                fix="use mode='nearest' and whole scales",
            )
        index = index.repeat(new // old, axis)
    return x.at(index)


def _pad(ctx: Context, node: ir.Node, x: Value) -> Value:
    """A padding that no kernel absorbs: fill, then copy the inside."""
    if attribute(node, "mode", "constant") != "constant":
        raise UnsupportedError("only constant Pad is supported", node=node_name(node), fix="pad with a constant")
    pads, value, axes = (_operand(node, i) for i in range(1, 4))
    assert pads is not None
    real = 0.0 if value is None else float(value.reshape(-1)[0])
    fill = round_half_up(np.clip(real / x.params.scale + x.params.zero_point, x.params.qmin, x.params.qmax))
    result = ctx.output(shape_of(node.outputs[0]), x.params, None)
    begins = np.zeros(x.index.ndim, np.int64)
    begins[np.arange(x.index.ndim) if axes is None else axes] = pads[: len(pads) // 2]
    inside = result.index[tuple(slice(b, b + s) for b, s in zip(begins, x.index.shape, strict=True))]
    walk = np.argsort(inside, axis=None)
    source, x_view, y_view = ctx.copy_views(x, walk, inside.ravel()[walk], node)
    ctx.emit(Fill(node_name(node), result.buffer, int(fill)))
    ctx.emit(Copy(node_name(node), result.buffer, source, x_view, y_view))
    return result


def build_concat(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """Concat: each operand is requantized into its place."""
    result = ctx.output(shape_of(node.outputs[0]), y, tensor)
    axis = int(attribute(node, "axis", 0)) % result.index.ndim  # type: ignore[call-overload]
    start = 0
    for position in range(len(node.inputs)):
        x = quantized_operand(ctx, node, position)
        part = np.take(result.index, range(start, start + x.index.shape[axis]), axis)
        start += x.index.shape[axis]
        rescaled_copy(ctx, node, x, part, result.buffer, y, activation)
    return result


def rescaled_copy(
    ctx: Context,
    node: ir.Node,
    x: Value,
    part: np.ndarray,
    buffer: str,
    y: QuantParams,
    activation: Activation,
) -> None:
    """Copies x into the offsets `part` of a buffer, onto the grid of y."""
    walk = np.argsort(part, axis=None)
    source, x_view, y_view = ctx.copy_views(x, walk, part.ravel()[walk], node)
    same = x.params == y and activation.limits(y) == (y.qmin, y.qmax)
    rq = None if same else activation.requantize(x.params.scale / y.scale, y)
    if rq is not None and (1 << x.params.bits << rq.left) >= 1 << 31:
        raise UnsupportedError("the change of scale is too large", node=node_name(node), fix="check the output's range")
    ctx.emit(Copy(node_name(node), buffer, source, x_view, y_view, x.params.zero_point, rq))


def build_rescale(ctx: Context, node: ir.Node, x: Value, y: QuantParams, tensor: str | None) -> Value:
    """QuantizeLinear of a value that is already quantized: nothing where the parameters agree, else a copy."""
    if x.params == y:
        return x
    result = ctx.output(x.index.shape, y, tensor)
    rescaled_copy(ctx, node, x, result.index, result.buffer, y, Activation())
    return result
