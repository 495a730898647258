"""The interface: graph inputs and outputs as ports, in the layout and integer type that the user asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgeq.program.builder.activation import Activation
from edgeq.program.builder.context import Context, ints, shape_of
from edgeq.program.builder.layout import Value, channels_last, dense, is_dense
from edgeq.program.ops import Copy, Lut, View
from edgeq.program.program import Buffer, Port, PortMemory
from edgeq.quant.qparams import QuantParams

if TYPE_CHECKING:
    import onnx_ir as ir

Layout = Literal["model", "nchw", "nhwc"]
InputType = Literal["int8", "uint8", "int16"]

# Flips the top bit of a byte: int8 to the uint8 of the same real value, and back.
OFFSET_TABLE = (np.arange(-128, 128) ^ 0x80).astype(np.uint8).view(np.int8)


@dataclass(frozen=True)
class Interface:
    """How inputs and outputs look to the caller.

    Attributes:
        layout: `model` keeps the axes of images as the ONNX model has them; `nchw` and `nhwc` reorder them.
        input_type: Integers that the caller feeds: `int8`, `uint8` or `int16`.
        io: Where inputs and outputs lie: see `Program.io`.
    """

    layout: Layout = "model"
    input_type: InputType = "int8"
    io: PortMemory = "arena"

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
    shape = shape_of(value)
    order = interface.order(len(shape), channels_are_last=_enters_channels_last(value))
    physical = tuple(shape[axis] for axis in order)
    inside = ctx.new_buffer(physical, params, tensor=tensor)
    adapt = {"int8": _as_int8, "uint8": _from_uint8, "int16": _from_int16}[interface.input_type]
    port = adapt(ctx, str(value.name), inside, params)
    ctx.ports.add(port.buffer)
    index = dense(physical).transpose(np.argsort(order))
    return replace(port, order=_reordered(order)), Value(inside.name, index, params)


def _as_int8(ctx: Context, name: str, inside: Buffer, params: QuantParams) -> Port:
    return Port(name, inside.name, inside.shape, params.scale, params.zero_point)


def _from_uint8(ctx: Context, name: str, inside: Buffer, params: QuantParams) -> Port:
    outside = ctx.new_buffer(inside.shape, params)
    ctx.emit(Lut(f"input:{name}", inside.name, outside.name, OFFSET_TABLE))
    return Port(name, outside.name, outside.shape, params.scale, params.zero_point + 128, unsigned=True)


def _from_int16(ctx: Context, name: str, inside: Buffer, params: QuantParams) -> Port:
    """A symmetric int16 port over the same real range, requantized to int8 on entry."""
    reach = max(abs(params.qmin - params.zero_point), abs(params.qmax - params.zero_point)) * params.scale
    wide = QuantParams(float(np.float32(reach / 32767)), 0, 16)
    outside = ctx.new_buffer(inside.shape, wide)
    view = View((outside.size,), (1,))
    rq = Activation().requantize(wide.scale / params.scale, params)
    ctx.emit(Copy(f"input:{name}", inside.name, outside.name, view, view, 0, rq))
    return Port(name, outside.name, outside.shape, wide.scale, 0)


def _reordered(order: tuple[int, ...]) -> tuple[int, ...]:
    """What `Port.order` says: nothing where the axes are as in the model."""
    return () if order == tuple(range(len(order))) else order


def add_output(ctx: Context, result: Value, value: ir.Value, interface: Interface) -> Port:
    """Makes the port of a graph output: a buffer of its own, dense in the interface's order."""
    order = interface.order(result.index.ndim, channels_are_last=_leaves_channels_last(value))
    index = result.index.transpose(order)
    assert value.name is not None
    buffer = ctx.buffers[result.buffer]
    if result.constant or not is_dense(index, buffer.size) or buffer.name in ctx.ports:
        node = value.producer()
        assert node is not None
        walk = dense(result.index.shape).transpose(order).ravel()
        source, x_view, y_view = ctx.copy_views(result, walk, np.arange(walk.size), node)
        buffer = ctx.new_buffer(index.shape, result.params)
        ctx.emit(Copy(f"output:{value.name}", buffer.name, source, x_view, y_view))
    ctx.ports.add(buffer.name)
    params = result.params
    return Port(value.name, buffer.name, index.shape, params.scale, params.zero_point, order=_reordered(order))


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
