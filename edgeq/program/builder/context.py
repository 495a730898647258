"""What the operator builders share: the program under construction and access to the QDQ graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.layout import Value, channels_last, dense, is_dense, joint_views
from edgeq.program.ops import Copy, Op, View
from edgeq.program.program import Buffer
from edgeq.quant.qparams import QuantParams

if TYPE_CHECKING:
    import onnx_ir as ir


Shape4 = tuple[int, int, int, int]


class Context:
    """The program under construction.

    Attributes:
        buffers, ops: What has been made so far.
        values: The quantized ONNX values, by onnx_ir value.
        ports: Buffers that are inputs or outputs already.
    """

    def __init__(self) -> None:
        self.buffers: dict[str, Buffer] = {}
        self.ops: list[Op] = []
        self.values: dict[ir.Value, Value] = {}
        self.ports: set[str] = set()
        self._dense: dict[tuple[str, bytes], str] = {}

    def new_buffer(
        self,
        shape: tuple[int, ...],
        params: QuantParams,
        *,
        data: np.ndarray | None = None,
        tensor: str | None = None,
    ) -> Buffer:
        """Adds a buffer of the width of `params`."""
        name = f"b{len(self.buffers)}"
        self.buffers[name] = Buffer(name, tuple(map(int, shape)), params.bits, data, tensor)
        return self.buffers[name]

    def emit(self, op: Op) -> None:
        """Appends an op."""
        self.ops.append(op)

    def dense_buffer(self, value: Value, order: tuple[int, ...], node: ir.Node) -> str:
        """Name of a buffer that holds `value` densely, its logical axes in the given physical order.

        The value's own buffer where it is so already; otherwise a copy, made once.
        """
        index = value.index.transpose(order)
        if is_dense(index, self.buffers[value.buffer].size):
            return value.buffer
        key = (value.buffer, repr(index.shape).encode() + np.ascontiguousarray(index).tobytes())
        if key not in self._dense:
            walk = dense(value.index.shape).transpose(order).ravel()
            source, x_view, y_view = self.copy_views(value, walk, np.arange(walk.size), node)
            buffer = self.new_buffer(index.shape, value.params)
            self.emit(Copy(node_name(node), buffer.name, source, x_view, y_view))
            self._dense[key] = buffer.name
        return self._dense[key]

    def copy_views(self, x: Value, walk: np.ndarray, to: np.ndarray, node: ir.Node) -> tuple[str, View, View]:
        """Loops that copy the elements of x, taken at the flat logical positions `walk`, to the offsets `to`.

        Returns:
            The buffer to read from, its view and the destination's. Where no nested loops take x in this order,
            what is read is a copy of x in row-major order, from which they do.
        """
        found = joint_views(x.index.ravel()[walk], to)
        if found is None:
            x = self.row_major(x, node)
            found = views(x.index.ravel()[walk], to)
        x_view, y_view = found
        return x.buffer, x_view, y_view

    def row_major(self, value: Value, node: ir.Node) -> Value:
        """The same value, dense in the order of its logical axes: every value can be copied so (`build_movement`)."""
        shape = value.index.shape
        return Value(self.dense_buffer(value, tuple(range(len(shape))), node), dense(shape), value.params)

    def nhwc_operand(self, value: Value, node: ir.Node) -> tuple[str, Shape4]:
        """A buffer that holds `value` densely with channels last, and its shape as (n, h, w, c)."""
        order = channels_last(value.index.ndim)
        return self.dense_buffer(value, order, node), as_nhwc(value.index.transpose(order).shape)

    def output(self, shape: tuple[int, ...], params: QuantParams, tensor: str | None) -> Value:
        """A new value of a logical shape, in a dense channels-last buffer."""
        order = channels_last(len(shape))
        physical = tuple(shape[axis] for axis in order)
        buffer = self.new_buffer(physical, params, tensor=tensor)
        return Value(buffer.name, dense(physical).transpose(np.argsort(order)), params)


def two(values: tuple[int, ...], fill: int) -> tuple[int, int]:
    """A setting per spatial axis as (vertical, horizontal): one spatial axis is the horizontal one."""
    return (fill, values[0]) if len(values) == 1 else (values[0], values[1])


def as_nhwc(shape: tuple[int, ...]) -> Shape4:
    """Gives a channels-last shape with one spatial axis a second one, of size 1, before it."""
    n, *spatial, c = shape
    return (n, *two(tuple(spatial), 1), c)


def views(*sequences: np.ndarray) -> tuple[View, ...]:
    """`joint_views` of sequences that are known to have some."""
    found = joint_views(*sequences)
    assert found is not None, "operands in row-major order always have common loops"
    return found


def node_name(node: ir.Node) -> str:
    """The node's name, or its operator and first output where it has none."""
    return node.name or f"{node.op_type}:{node.outputs[0].name}"


def attribute(node: ir.Node, name: str, default: object = None) -> object:
    """Value of an attribute, or the default."""
    found = node.attributes.get(name)
    return default if found is None else found.value


def ints(node: ir.Node, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """An attribute that is a list of integers."""
    return tuple(int(v) for v in attribute(node, name, default))  # type: ignore[attr-defined]


def shape_of(value: ir.Value) -> tuple[int, ...]:
    """The static shape of a value."""
    if value.shape is None or not all(isinstance(d, int) for d in value.shape):
        raise UnsupportedError("the shape is not static", tensor=value.name, fix="fix it with --shape NAME=DIMS")
    return tuple(int(d) for d in value.shape)  # type: ignore[arg-type]


def constant_array(value: ir.Value | None) -> np.ndarray | None:
    """The data of an initializer as NumPy array; None where the value is not constant."""
    if value is None or value.const_value is None:
        return None
    return np.asarray(value.const_value.numpy())
