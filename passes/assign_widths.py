"""Gives single layers widths of their own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

import onnx_ir as ir

from edgeq.errors import UsageError
from edgeq.passes.annotations import BITS_KEY, WEIGHT_BITS_KEY
from edgeq.passes.quantization_points import byte_values, group_output, is_absorbed
from edgeq.passes.weighted import is_weighted
from edgeq.quant.scheme import ANCHORS


@dataclass(frozen=True)
class AssignWidths(ir.passes.InPlacePass):
    """Marks weights and activations with the width that `InsertQdq` is to give them.

    The passes between see the marks, too: ranges and equalization are chosen for these widths. Leaves the function
    unchanged. Idempotent.

    Raises:
        UsageError: A name is no node's, or the node's weights or activations have no width to choose.

    Attributes:
        weight_bits: By name of a Conv, Gemm or MatMul: 8, 4 or 2.
        activation_bits: By name of an operator that computes: 8, 16 or 4 for what it, with the activation fused to it,
            puts out.
    """

    weight_bits: Mapping[str, int] = field(default_factory=dict)
    activation_bits: Mapping[str, int] = field(default_factory=dict)

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        weights, activations = weight_layers(model.graph), activation_layers(model.graph)
        for name, bits in self.weight_bits.items():
            _required(name, weights, "weights").meta[WEIGHT_BITS_KEY] = bits
        for name, bits in self.activation_bits.items():
            group_output(_required(name, activations, "activations")).meta[BITS_KEY] = bits
        return ir.passes.PassResult(model, modified=bool(self.weight_bits or self.activation_bits))


def weight_layers(graph: ir.Graph) -> dict[str, ir.Node]:
    """The nodes whose weights may have any width, by name."""
    return {str(node.name): node for node in graph if is_weighted(node)}


def activation_layers(graph: ir.Graph) -> dict[str, ir.Node]:
    """The nodes whose output may have any width, by name: the interface and Softmax fix that of others."""
    fixed = byte_values(graph)
    anchors = [node for node in graph if node.op_type in ANCHORS and not is_absorbed(node)]
    return {str(node.name): node for node in anchors if group_output(node) not in fixed}


def _required(name: str, known: Mapping[str, ir.Node], what: str) -> ir.Node:
    """The node of a name.

    Raises:
        UsageError: It is not among those that have a choice.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        fix = f"perhaps {near[0]!r} is meant; there are: {', '.join(known)}" if near else "the model has no such layers"
        raise UsageError(f"there is no layer {name!r} whose {what} have a width to choose", fix=fix)
    return known[name]
