"""Turns calibrated ranges into QuantizeLinear -> DequantizeLinear pairs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.annotations import RANGE_KEY
from edgeq.passes.editing import constant, unused_name
from edgeq.passes.finest_scale import not_too_fine
from edgeq.passes.qdq import Grid, Use, admit_width, insert_pair
from edgeq.passes.quantization_points import (
    activation_bits,
    activation_operands,
    group_output,
    movement_source,
    quantized_values,
)
from edgeq.passes.weighted import bias_of, channel_axis, is_weighted, not_constant, weight_bits_of, weight_of
from edgeq.quant.qparams import QuantParams, Range, Scheme, weight_scales
from edgeq.quant.scheme import ANCHORS, RECURRENT, output_params, range_params

Params = dict[ir.Value, QuantParams]


@dataclass(frozen=True)
class InsertQdq(ir.passes.InPlacePass):
    """Quantizes activations per tensor and weights per output channel, as a QDQ graph that stays float at its rim.

    Pairs stand behind graph inputs, fused groups and constant operands; data movement inherits. Weights stay float
    in front of their pair until `FreezeWeights`.

    Source: Jacob et al., CVPR 2018, sections 2.1 and 3; Krishnamoorthi, arXiv:1806.08342, 2018, section 3.1.1 (one
    scale per output channel).

    Raises:
        UnsupportedError: A weight or bias that is not constant, or of another shape.

    Attributes:
        weight_bits: 2, 4 or 8, where `AssignWidths` says nothing else. 2 raises the model to the opset that knows int2.
        activation_bits: 4, 8, or 16 (symmetric). Inputs, outputs and logits have 8 whatever it is
            (`quantization_points.activation_bits`).
        per_channel: One scale per output channel; one per weight tensor where False.
        scheme: Of activations, see `QuantParams.from_range`.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool = True
    scheme: Scheme = "asymmetric"

    def requires(self, model: ir.Model) -> None:
        missing = [value.name for value in quantized_values(model.graph) if RANGE_KEY not in value.meta]
        if missing:
            raise ir.passes.PreconditionError(f"values without a calibrated range: {', '.join(map(str, missing))}")

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        widths = activation_bits(graph, self.activation_bits)
        params: Params = {}
        for value, bits in widths.items():
            params[value] = self._activation_params(value, bits, params)
        for node in list(graph):
            if is_weighted(node):
                self._quantize_weight(graph, node, params)
                admit_width(model, weight_bits_of(node, self.weight_bits))
            elif node.op_type in RECURRENT:
                _quantize_recurrent(graph, node)
        quantize_constant_operands(graph, max(self.activation_bits, 8))
        for value, chosen in params.items():
            _quantize_activation(graph, value, chosen)
        return ir.passes.PassResult(model, modified=True)

    def _activation_params(self, value: ir.Value, bits: int, known: Params) -> QuantParams:
        """Of a value whose operands' parameters are known: values come in the order of computation."""
        producer = value.producer()
        fixed = None if producer is None else _own_params(producer, bits)
        chosen = fixed or range_params(value.meta[RANGE_KEY], bits, self.scheme)
        return not_too_fine(value, chosen, lambda operand: self._operand_params(operand, known))

    def _operand_params(self, operand: ir.Value, known: Params) -> QuantParams:
        source = movement_source(operand)
        return known[source] if source in known else _constant_params(operand, max(self.activation_bits, 8))

    def _quantize_weight(self, graph: ir.Graph, node: ir.Node, params: Params) -> None:
        weight, bias, axis = weight_of(node), bias_of(node), channel_axis(node)
        bits = weight_bits_of(node, self.weight_bits)
        assert node.inputs[0] is not None
        x = params[movement_source(node.inputs[0])]
        scales = weight_scales(
            _required_constant(node, weight),
            axis if self.per_channel else None,
            bits,
            bias=None if bias is None else _required_constant(node, bias),
            input_scale=x.scale,
            output_scale=params[group_output(node)].scale,
            input_bits=x.bits,
        )
        insert_pair(graph, weight, Grid.symmetric(scales, bits, axis), [(node, 1)])


def _quantize_recurrent(graph: ir.Graph, node: ir.Node) -> None:
    """Eight bits and a scale per row for the weights of the inputs and of the state."""
    for index in (1, 2):
        weight = node.inputs[index]
        assert weight is not None
        scales = weight_scales(_required_constant(node, weight), 1, 8)
        insert_pair(graph, weight, Grid.symmetric(scales, 8, 1), [(node, index)])


def _required_constant(node: ir.Node, value: ir.Value) -> np.ndarray:
    array = constant(value)
    if array is None:
        raise not_constant(node, value)
    return array


def quantize_constant_operands(graph: ir.Graph, bits: int) -> None:
    """Quantizes the float initializers that operators use like activations, each per tensor over its own range."""
    for value, uses in _constant_operands(graph).items():
        insert_pair(graph, value, Grid.of(_constant_params(value, bits)), uses)


def _own_params(node: ir.Node, bits: int) -> QuantParams | None:
    """Parameters that calibration has no say in: rows of a table may come that no sample has shown."""
    table = node.inputs[0] if node.op_type == "Gather" else None
    return output_params(node.op_type, bits) if table is None else _constant_params(table, bits)


def _constant_params(value: ir.Value, bits: int) -> QuantParams:
    array = constant(value)
    assert array is not None
    return range_params(Range(float(array.min()), float(array.max())), bits)


def _constant_operands(graph: ir.Graph) -> dict[ir.Value, list[Use]]:
    """Initializers that operators use like activations, with these uses."""
    found: dict[ir.Value, list[Use]] = defaultdict(list)
    for node in graph:
        if node.op_type in ANCHORS:
            for index, value in activation_operands(node):
                if value.is_initializer():
                    found[value].append((node, index))
    return found


def _quantize_activation(graph: ir.Graph, value: ir.Value, params: QuantParams) -> None:
    """Puts a pair behind a value; a graph output keeps its name, which the dequantized value takes over."""
    outputs = [index for index, output in enumerate(graph.outputs) if output is value]
    name = value.name
    dequantized = insert_pair(graph, value, Grid.of(params), value.uses())
    if outputs:
        value.name = unused_name(graph, f"{name}_float")
        dequantized.name = name
        for index in outputs:
            graph.outputs[index] = dequantized
