"""QuantizeLinear and DequantizeLinear: reading them, computing them, inserting them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import onnx_ir as ir

from edgeq.errors import UnsupportedError
from edgeq.passes.editing import add_constant, constant, static_shape, unused_name
from edgeq.quant.qparams import QuantParams

Use = tuple[ir.Node, int]
"""A node, and the index of one of its inputs."""

INTEGERS = {2: np.dtype(ml_dtypes.int2), 4: np.dtype(ml_dtypes.int4), 8: np.dtype(np.int8), 16: np.dtype(np.int16)}
"""Element type of each width of signed integers."""

INT2_OPSET, INT2_IR_VERSION = 25, 13
"""The first versions of ONNX that know int2. No operator that is quantized means anything else there than at 21."""


@dataclass(frozen=True, eq=False)
class Grid:
    """The numbers that a quantized tensor can hold: real = scale * (integer - zero_point).

    Attributes:
        scale: float32, of shape () for the whole tensor or (channels,).
        zero_point: Of the shape of `scale`; its element type is that of the integers.
        axis: Of the channels.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int = 0

    @classmethod
    def of(cls, params: QuantParams) -> Grid:
        """The grid of per-tensor parameters."""
        return cls(np.array(params.scale, np.float32), np.array(params.zero_point).astype(INTEGERS[params.bits]))

    @classmethod
    def symmetric(cls, scale: np.ndarray, bits: int, axis: int) -> Grid:
        """The grid of weights with the zero point 0."""
        return cls(scale, np.zeros(scale.shape, INTEGERS[bits]), axis)

    @property
    def per_tensor(self) -> bool:
        """Whether one scale is for the whole tensor."""
        return self.scale.ndim == 0

    def equals(self, other: Grid) -> bool:
        """Whether the same integers mean the same numbers."""
        return (
            self.zero_point.dtype == other.zero_point.dtype
            and np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
            and (self.per_tensor or self.axis == other.axis)
        )

    def quantize(self, real: np.ndarray) -> np.ndarray:
        """What QuantizeLinear computes: in float32, halves to even, saturated."""
        limits = ml_dtypes.iinfo(self.zero_point.dtype)  # type: ignore[no-untyped-call]
        steps = np.rint(real.astype(np.float32) / self._along(self.scale, real.ndim)).astype(np.float64)
        integers = steps + self._along(self.zero_point, real.ndim).astype(np.float64)
        return np.clip(integers, float(limits.min), float(limits.max)).astype(self.zero_point.dtype)

    def dequantize(self, integers: np.ndarray) -> np.ndarray:
        """The exact numbers that integers stand for, as float64."""
        steps = integers.astype(np.float64) - self._along(self.zero_point, integers.ndim).astype(np.float64)
        return steps * self._along(self.scale, integers.ndim).astype(np.float64)

    def _along(self, parameter: np.ndarray, rank: int) -> np.ndarray:
        if self.per_tensor:
            return parameter
        return parameter.reshape([-1 if axis == self.axis % rank else 1 for axis in range(rank)])


def read_grid(node: ir.Node) -> Grid:
    """The grid of a QuantizeLinear or DequantizeLinear.

    Raises:
        UnsupportedError: Its parameters are computed, blocked, or not positive numbers.
    """
    scale = constant(node.inputs[1])
    if scale is None or node.attributes.get_int("block_size", 0) != 0:
        raise _unreadable(node, "the quantization parameters are not constants per tensor or per channel")
    if not (np.isfinite(scale) & (scale > 0)).all() or scale.dtype != np.float32:
        raise _unreadable(node, "the scale is not a positive float32")
    zero_point = constant(node.inputs[2]) if len(node.inputs) > 2 else np.zeros(scale.shape, _integer_type(node))
    if zero_point is None or zero_point.size != scale.size or scale.ndim > 1:
        raise _unreadable(node, "scale and zero point do not have the same shape")
    shape = scale.shape if scale.size > 1 else ()
    axis, operand = node.attributes.get_int("axis", 1), static_shape(node.inputs[0])
    return Grid(scale.reshape(shape), zero_point.reshape(shape), axis % len(operand) if operand else axis)


def _integer_type(node: ir.Node) -> np.dtype:
    """Element type of the integers of a quantizer without zero point."""
    quantized = node.inputs[0] if node.op_type == "DequantizeLinear" else node.outputs[0]
    stated = ir.DataType(node.attributes.get_int("output_dtype", 0))
    if node.op_type == "QuantizeLinear" and stated != ir.DataType.UNDEFINED:
        return stated.numpy()
    return ir.DataType.UINT8.numpy() if quantized is None or quantized.dtype is None else quantized.dtype.numpy()


def _unreadable(node: ir.Node, what: str) -> UnsupportedError:
    tensor = None if node.inputs[0] is None else node.inputs[0].name
    return UnsupportedError(
        what, node=node.name, tensor=tensor, fix="export per-tensor activations and per-channel weights"
    )


def admit_width(model: ir.Model, bits: int) -> None:
    """Raises the opset of a model where integers of this width need it."""
    if bits == 2:
        model.opset_imports[""] = max(model.opset_imports[""], INT2_OPSET)
        model.ir_version = max(model.ir_version, INT2_IR_VERSION)


def set_zero_point(nodes: Iterable[ir.Node], zero_point: np.ndarray) -> None:
    """Gives quantizers of the same scale another zero point, and with it another type of integers."""
    shared = None
    for node in nodes:
        scale, old = node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else None
        assert scale is not None and node.graph is not None
        if shared is None:
            name = f"{scale.name}_zero_point" if old is None else f"{old.name}_signed"
            shared = add_constant(node.graph, name, zero_point.reshape(static_shape(scale) or ()))
        node.resize_inputs(3)
        node.replace_input_with(2, shared)
        node.attributes.pop("output_dtype", None)


def insert_pair(graph: ir.Graph, value: ir.Value, grid: Grid, uses: Iterable[Use]) -> ir.Value:
    """Quantizes and dequantizes a float value for some of its uses.

    New names are the value's own with `_scale`, `_zero_point`, `_quantized` and `_dequantized` behind it.

    Args:
        uses: Nodes and input indices that are to see the dequantized value.

    Returns:
        The dequantized value.
    """
    uses = tuple(uses)
    scale = add_constant(graph, f"{value.name}_scale", grid.scale)
    zero_point = add_constant(graph, f"{value.name}_zero_point", grid.zero_point)
    quantized = _new_node(graph, "QuantizeLinear", [value, scale, zero_point], f"{value.name}_quantized", grid)
    quantized.type = ir.TensorType(ir.DataType.from_numpy(grid.zero_point.dtype))
    dequantized = _new_node(
        graph, "DequantizeLinear", [quantized, scale, zero_point], f"{value.name}_dequantized", grid
    )
    dequantized.type = ir.TensorType(ir.DataType.FLOAT)
    quantized.shape = dequantized.shape = value.shape
    nodes = [node for made in (quantized, dequantized) if (node := made.producer()) is not None]
    producer = value.producer()
    if producer is None:
        graph.insert_before(graph[0], nodes)
    else:
        graph.insert_after(producer, nodes)
    for user, index in uses:
        user.replace_input_with(index, dequantized)
    return dequantized


def insert_dequantizer(graph: ir.Graph, integers: ir.Value, grid: Grid, name: str, before: ir.Node) -> ir.Value:
    """Dequantizes a constant in front of a node, as the value `name` (or a free name like it).

    An int32 constant has no zero point, as ONNX wants it.
    """
    inputs = [integers, add_constant(graph, f"{name}_scale", grid.scale)]
    if grid.zero_point.dtype != np.int32:
        inputs.append(add_constant(graph, f"{name}_zero_point", grid.zero_point))
    value = _new_node(graph, "DequantizeLinear", inputs, f"{name}_dequantized", grid)
    value.type, value.shape = ir.TensorType(ir.DataType.FLOAT), integers.shape
    node = value.producer()
    assert node is not None
    graph.insert_before(before, node)
    return value


def _new_node(graph: ir.Graph, op_type: str, inputs: list[ir.Value], name: str, grid: Grid) -> ir.Value:
    """The output of a new quantizer that is in no graph yet; node and output have the same name."""
    name = unused_name(graph, name)
    attributes = {} if grid.per_tensor else {"axis": grid.axis}
    node = ir.node(op_type, inputs, attributes=attributes, name=name)
    node.outputs[0].name = name
    return node.outputs[0]
