"""Moves quantizers to where integers are made: above data movement, which then needs none of its own."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from edgeq.passes.editing import replace_value, sole_consumer, unused_name
from edgeq.passes.qdq import read_grid
from edgeq.passes.quantization_points import dequantizer_of
from edgeq.quant.scheme import MOVEMENT, QUANTIZERS


@dataclass(frozen=True)
class HoistQdq(ir.passes.InPlacePass):
    """Hoists QuantizeLinear -> DequantizeLinear above data movement, merges equal ones, drops those without effect.

    Rounding commutes exactly with moving elements and with their maximum, so the function is unchanged. Idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        changed = _merge(graph)
        for node in reversed(list(graph)):
            if node.op_type in MOVEMENT and dequantizer_of(node.inputs[0]) is None:
                changed |= _hoist(graph, node)
        changed |= _merge(graph)
        for node in [node for node in graph if node.op_type == "QuantizeLinear"]:
            changed |= _drop_idle(graph, node)
        graph.sort()
        return ir.passes.PassResult(model, modified=changed)


def _merge(graph: ir.Graph) -> bool:
    """Lets one of several equal quantizers of a value serve all."""
    changed = False
    for value in (*graph.inputs, *(output for node in graph for output in node.outputs)):
        kept: list[ir.Node] = []
        for user in [user for user in value.consumers() if user.op_type in QUANTIZERS]:
            same = next((node for node in kept if _equal(node, user)), None)
            if same is None:
                kept.append(user)
            elif replace_value(user.outputs[0], same.outputs[0]):
                graph.remove(user, safe=True)
                changed = True
    return changed


def _equal(one: ir.Node, other: ir.Node) -> bool:
    return one.op_type == other.op_type and read_grid(one).equals(read_grid(other))


def _hoist(graph: ir.Graph, movement: ir.Node) -> bool:
    """Puts the pair behind a movement of floats in front of it, if all that it makes is quantized alike."""
    source = movement.inputs[0]
    assert source is not None
    found = [None if (user := sole_consumer(value)) is None else _pair(user) for value in movement.outputs]
    pairs = [pair for pair in found if pair is not None]
    if len(pairs) != len(found) or not all(_equal(pair[0], pairs[0][0]) for pair in pairs):
        return False
    for value, pair in zip(movement.outputs, pairs, strict=True):
        replace_value(pair[1].outputs[0], value)
        graph.remove(pair)
    quantize, dequantize = pairs[0]
    quantize.replace_input_with(0, source)
    movement.replace_input_with(0, dequantize.outputs[0])
    graph.insert_before(movement, [quantize, dequantize])
    for node, suffix in ((quantize, "quantized"), (dequantize, "dequantized")):
        node.outputs[0].name = unused_name(graph, f"{source.name}_{suffix}")
        node.outputs[0].shape = source.shape
    return True


def _pair(quantize: ir.Node) -> tuple[ir.Node, ir.Node] | None:
    """A QuantizeLinear and the DequantizeLinear that alone uses it."""
    undo = sole_consumer(quantize.outputs[0])
    return None if undo is None or quantize.op_type != "QuantizeLinear" else (quantize, undo)


def _drop_idle(graph: ir.Graph, quantize: ir.Node) -> bool:
    """Removes a pair whose input lies on its grid already."""
    pair, source = _pair(quantize), quantize.inputs[0]
    if pair is None or source is None:
        return False
    before = dequantizer_of(source)
    if before is None or not read_grid(before).equals(read_grid(quantize)):
        return False
    if not replace_value(pair[1].outputs[0], source):
        return False
    graph.remove(pair, safe=True)
    return True
