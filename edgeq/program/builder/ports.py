"""The interface: graph inputs and outputs as ports, in the layout and integer type that the user asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgeq.program.builder.activation import Activation
from edgeq.program.builder.context import Context, ints, shape_of, views
from edgeq.program.builder.layout import Value, channels_last, dense, is_dense
from edgeq.program.ops import Copy, Lut, View
from edgeq.program.program import Port
from edgeq.quant.qparams import QuantParams

if TYPE_CHECKING:
    import onnx_ir as ir

# Flips the top bit of a byte: int8 to the uint8 of the same real value, and back.
OFFSET_TABLE = (np.arange(-128, 128) ^ 0x80).astype(np.uint8).view(np.int8)


@dataclass(frozen=True)
class Interface:
    """How inputs and outputs look to the caller.

    Attributes:
        layout: `model` keeps the axes of images as the ONNX model has them; `nchw` and `nhwc` reorder them.
        input_type: Integers that the caller feeds: `int8`, `uint8` or `int16`.
    """

    layout: Literal["model", "nchw", "nhwc"] = "model"
    input_type: Literal["int8", "uint8", "int16"] = "int8"

    def order(self, rank: int, *, channels_are_last: bool) -> tuple[int, ...]:
        """The physical order of a value's axes at the interface.

        Args:
            channels_are_last: How the model itself has them.
        """
        if rank < 3 or self.layout == "model" or (self.layout == "nhwc") == channels_are_last:
            return tuple(range(rank))
        return (
            tuple(int(axis) for axis in np.argsort(channels_last(rank))) if channels_are_last else channels_last(rank)
        )


def add_input(
    ctx: Context, value: ir.Value, params: QuantParams, interface: Interface, tensor: str | None
) -> tuple[Port, Value]:
    """Makes the port of a graph input and the value that the program goes on with."""
    order = interface.order(len(shape_of(value)), channels_are_last=_enters_channels_last(value))
    physical = tuple(shape_of(value)[axis] for axis in order)
    index = dense(physical).transpose(np.argsort(order))
    assert value.name is not None
    ctx.ports.add(f"b{len(ctx.buffers)}")
    if interface.input_type == "int8":
        buffer = ctx.new_buffer(physical, params, tensor=tensor)
        return Port(value.name, buffer.name, physical, params.scale, params.zero_point), Value(
            buffer.name, index, params
        )
    if interface.input_type == "uint8":
        outside = ctx.new_buffer(physical, params)
        inside = ctx.new_buffer(physical, params, tensor=tensor)
        ctx.emit(Lut(f"input:{value.name}", inside.name, outside.name, OFFSET_TABLE))
        port = Port(value.name, outside.name, physical, params.scale, params.zero_point + 128, unsigned=True)
        return port, Value(inside.name, index, params)
    return _add_int16_input(ctx, value.name, physical, index, params, tensor)


def _add_int16_input(
    ctx: Context, name: str, physical: tuple[int, ...], index: np.ndarray, params: QuantParams, tensor: str | None
) -> tuple[Port, Value]:
    """A symmetric int16 port over the same real range, requantized to int8 on entry."""
    reach = max(abs(params.qmin - params.zero_point), abs(params.qmax - params.zero_point)) * params.scale
    wide = QuantParams(float(np.float32(reach / 32767)), 0, 16)
    outside = ctx.new_buffer(physical, wide)
    inside = ctx.new_buffer(physical, params, tensor=tensor)
    view = View((outside.size,), (1,))
    rq = Activation().requantize(wide.scale / params.scale, params)
    ctx.emit(Copy(f"input:{name}", inside.name, outside.name, view, view, 0, rq))
    return Port(name, outside.name, physical, wide.scale, 0), Value(inside.name, index, params)


def add_output(ctx: Context, result: Value, value: ir.Value, interface: Interface) -> Port:
    """Makes the port of a graph output: a buffer of its own, dense in the interface's order."""
    order = interface.order(result.index.ndim, channels_are_last=_leaves_channels_last(value))
    index = result.index.transpose(order)
    assert value.name is not None
    buffer = ctx.buffers[result.buffer]
    if result.constant or not is_dense(index, buffer.size) or buffer.name in ctx.ports:
        own = ctx.new_buffer(index.shape, result.params)
        x_view, y_view = views(value.producer(), index, dense(index.shape))  # type: ignore[arg-type]
        ctx.emit(Copy(f"output:{value.name}", own.name, buffer.name, x_view, y_view))
        buffer = own
    ctx.ports.add(buffer.name)
    return Port(value.name, buffer.name, index.shape, result.params.scale, result.params.zero_point)


def _enters_channels_last(value: ir.Value) -> bool:
    """True where the model itself turns this input from NHWC to NCHW."""
    users = [use.node for use in value.uses()]
    while len(users) == 1 and users[0].op_type in ("QuantizeLinear", "DequantizeLinear"):
        users = [use.node for use in users[0].outputs[0].uses()]
    to_nchw = tuple(np.argsort(channels_last(len(shape_of(value)))))
    return bool(users) and all(n.op_type == "Transpose" and ints(n, "perm", ()) == to_nchw for n in users)


def _leaves_channels_last(value: ir.Value) -> bool:
    """True where the model itself turns this output from NCHW to NHWC."""
    node = value.producer()
    return (
        node is not None
        and node.op_type == "Transpose"
        and ints(node, "perm", ()) == channels_last(len(shape_of(value)))
    )
