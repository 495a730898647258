"""Quantized activations of a QDQ model; the model taken apart at them, or freed of their quantizers."""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir as ir
from onnx_ir.passes import common

from edgeq.passes.editing import constant, replace_value
from edgeq.passes.quantization_points import is_absorbed

FED = "edgeq_fed_"


def quantized_tensors(graph: ir.Graph) -> dict[str, ir.Node]:
    """A DequantizeLinear of each quantized activation, by the name that its float tensor has in the float model."""
    found: dict[str, ir.Node] = {}
    for name, _, undo in _pairs(graph):
        found.setdefault(name, undo)
    return found


def _pairs(graph: ir.Graph) -> Iterator[tuple[str, ir.Node, ir.Node]]:
    """Name, QuantizeLinear and DequantizeLinear of activations.

    The name is that of what is quantized or, where the pair makes a graph output, of that output.
    """
    for undo in list(graph):
        quantize = undo.inputs[0].producer() if undo.op_type == "DequantizeLinear" and undo.inputs[0] else None
        if quantize is not None and quantize.op_type == "QuantizeLinear" and constant(quantize.inputs[0]) is None:
            source = undo.outputs[0] if undo.outputs[0].is_graph_output() else quantize.inputs[0]
            assert source is not None
            yield str(source.name), quantize, undo


def anchor_of(undo: ir.Node) -> ir.Node | None:
    """The operator whose fused group makes a quantized activation; None for a graph input."""
    quantize = undo.inputs[0].producer() if undo.inputs[0] is not None else None
    source = None if quantize is None else quantize.inputs[0]
    node = None if source is None else source.producer()
    if node is not None and node.inputs[0] is not None and is_absorbed(node):
        return node.inputs[0].producer()
    return node


def fed_at_quantizers(model: ir.Model) -> tuple[ir.Model, dict[str, str]]:
    """A copy in which what reads a quantized activation reads a new float input, and every activation is an output.

    Returns:
        The copy, and the new inputs by the name of `quantized_tensors`.
    """
    cut = model.clone()
    twins: dict[str, ir.Value] = {}
    outputs = [node.outputs[0] for node in quantized_tensors(cut.graph).values()]
    for name, _, undo in _pairs(cut.graph):
        value = undo.outputs[0]
        twin = twins.setdefault(name, ir.Value(name=FED + name, shape=value.shape, type=value.type))
        for user, index in tuple(value.uses()):
            user.replace_input_with(index, twin)
    cut.graph.inputs.extend(twins.values())
    cut.graph.outputs[:] = outputs
    return cut, {name: str(twin.name) for name, twin in twins.items()}


def without_activation_quantizers(model: ir.Model) -> ir.Model:
    """A copy that computes with the same weights but float activations, under the names of `quantized_tensors`."""
    copy = model.clone()
    for _, quantize, undo in _pairs(copy.graph):
        assert quantize.inputs[0] is not None
        replace_value(undo.outputs[0], quantize.inputs[0])
    common.RemoveUnusedNodesPass()(copy)
    return copy
