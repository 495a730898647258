"""Conv, Gemm and MatMul by a constant: their weights, channels and biases."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.errors import UnsupportedError
from edgeq.passes.annotations import WEIGHT_BITS_KEY
from edgeq.passes.editing import parameter, static_shape
from edgeq.quant.scheme import WEIGHTED


def is_weighted(node: ir.Node) -> bool:
    """Whether an operator multiplies by a constant weight, which a MatMul may or may not do."""
    return node.op_type in WEIGHTED and (node.op_type != "MatMul" or parameter(node.inputs[1]))


def weight_of(node: ir.Node) -> ir.Value:
    """The weight operand.

    Raises:
        UnsupportedError: Its shape is not that of a Conv's kernel, or of a matrix.
    """
    weight = node.inputs[1]
    shape = static_shape(weight)
    if weight is None or shape is None or (len(shape) != 2 and node.op_type != "Conv"):
        raise UnsupportedError(
            f"the second operand of {node.op_type}, of shape {shape}, is not a constant matrix",
            node=node.name,
            tensor=None if weight is None else weight.name,
            fix="store a two-dimensional weight as an initializer",
        )
    return weight


def weight_bits_of(node: ir.Node, bits: int) -> int:
    """The width of a node's weights: its own (`AssignWidths`), or else `bits`."""
    return int(node.meta.get(WEIGHT_BITS_KEY, bits))


def channel_axis(node: ir.Node) -> int:
    """Axis of the output channels in the weight."""
    if node.op_type == "Conv" or (node.op_type == "Gemm" and node.attributes.get_int("transB", 0) == 1):
        return 0
    return 1


def channel_count(node: ir.Node) -> int:
    """Number of output channels."""
    return (static_shape(weight_of(node)) or ())[channel_axis(node)]


def by_group(node: ir.Node, weight: np.ndarray) -> np.ndarray:
    """(groups, outputs, inputs) from a node's ONNX weight."""
    rows, groups = np.moveaxis(weight, channel_axis(node), 0), group_count(node)
    return np.ascontiguousarray(rows).reshape(groups, len(rows) // groups, -1)


def by_output(node: ir.Node, numbers: np.ndarray) -> np.ndarray:
    """float32 (groups, outputs), from one number per output of a node, or one for all."""
    flat = np.broadcast_to(numbers.astype(np.float32).reshape(-1), channel_count(node))
    return flat.reshape(group_count(node), -1)


def group_count(node: ir.Node) -> int:
    """Groups of a Conv; 1 for the others."""
    return node.attributes.get_int("group", 1) or 1


def bias_of(node: ir.Node) -> ir.Value | None:
    """The bias operand, if there is one.

    Raises:
        UnsupportedError: It is not one number per output channel.
    """
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if bias is None:
        return None
    shape = static_shape(bias)
    if shape is None or any(size not in (1, channel_count(node)) for size in shape) or any(n > 1 for n in shape[:-1]):
        raise UnsupportedError(
            f"the bias of {node.op_type}, of shape {shape}, is not one constant per output channel",
            node=node.name,
            tensor=bias.name,
            fix="add other shapes with an Add",
        )
    return bias


def not_constant(node: ir.Node, value: ir.Value) -> UnsupportedError:
    """The error for a weight or bias that the graph computes."""
    return UnsupportedError(
        f"a weight or bias of {node.op_type} is not constant",
        node=node.name,
        tensor=value.name,
        fix="store it as an initializer",
    )
