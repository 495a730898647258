"""Finds where a float graph is quantized: which values become integers, and which operators they fuse."""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir as ir

from edgeq.errors import UnsupportedError
from edgeq.passes.annotations import BITS_KEY
from edgeq.passes.editing import scalar, sole_consumer
from edgeq.passes.weighted import is_weighted
from edgeq.quant.scheme import ANCHORS, ELEMENTWISE, FUSES, MOVEMENT, QUANTIZERS


def quantized_values(graph: ir.Graph) -> list[ir.Value]:
    """The float values that get integers of their own: float graph inputs, and the output of each fused group.

    A group is an anchor operator and the activation it absorbs. What data movement makes is not listed: it inherits.

    Raises:
        UnsupportedError: A node that is neither anchor nor data movement.
    """
    values = [value for value in graph.inputs if value.dtype == ir.DataType.FLOAT]
    for node in graph:
        if node.op_type in ANCHORS:
            if not is_absorbed(node):
                values.append(group_output(node))
        elif node.op_type not in MOVEMENT | QUANTIZERS:
            raise UnsupportedError(
                f"operator {node.op_type} cannot be quantized", node=node.name, fix="see `edgeq inspect MODEL`"
            )
        elif node.op_type == "Pad" and len(node.inputs) > 2 and scalar(node.inputs[2]) not in (None, 0.0):
            raise UnsupportedError("padding with a value other than 0", node=node.name, fix="pad with 0")
    return values


def activation_bits(graph: ir.Graph, bits: int) -> dict[ir.Value, int]:
    """The width of each value of `quantized_values`: 8, `value.meta[BITS_KEY]`, or else `bits`."""
    fixed = byte_values(graph)
    return {value: 8 if value in fixed else value.meta.get(BITS_KEY, bits) for value in quantized_values(graph)}


def byte_values(graph: ir.Graph) -> set[ir.Value]:
    """The values that always have 8 bits: graph inputs, what becomes a graph output, and what Softmax reads.

    The interface is made of bytes, and the kernel of Softmax looks 256 distances up.
    """
    softmax = [node.inputs[0] for node in graph if node.op_type == "Softmax"]
    return {movement_source(value) for value in (*graph.inputs, *graph.outputs, *softmax) if value is not None}


def group_output(anchor: ir.Node) -> ir.Value:
    """The output of an anchor or, where the one node that uses it is an activation that it absorbs, of that."""
    user = sole_consumer(anchor.outputs[0])
    if user is not None and user.op_type in FUSES.get(anchor.op_type, ()) and user.inputs[0] is anchor.outputs[0]:
        return user.outputs[0]
    return anchor.outputs[0]


def is_absorbed(node: ir.Node) -> bool:
    """Whether an activation belongs to the group of the anchor before it."""
    producer = None if node.inputs[0] is None else node.inputs[0].producer()
    return producer is not None and group_output(producer) is node.outputs[0]


def activation_operands(node: ir.Node) -> Iterator[tuple[int, ir.Value]]:
    """Index and value of the inputs of an anchor that are activations, constants among them."""
    for index, value in enumerate(node.inputs[: _operand_count(node)]):
        if value is not None:
            yield index, value


def _operand_count(node: ir.Node) -> int:
    """How many inputs, the first ones, are activations; the others are weights, biases, shapes or slopes."""
    if node.op_type == "Concat":
        return len(node.inputs)
    product = node.op_type == "MatMul" and not is_weighted(node)
    return 2 if product or node.op_type in ELEMENTWISE else 1


def movement_source(value: ir.Value) -> ir.Value:
    """The value whose elements data movement has brought here: `value` itself if no movement made it."""
    producer = value.producer()
    while producer is not None and producer.op_type in MOVEMENT and producer.inputs[0] is not None:
        value = producer.inputs[0]
        producer = value.producer()
    return value


def dequantizer_of(value: ir.Value | None) -> ir.Node | None:
    """The DequantizeLinear whose result a value is, moved or not; None for floats that were never quantized."""
    producer = None if value is None else movement_source(value).producer()
    return producer if producer is not None and producer.op_type == "DequantizeLinear" else None
