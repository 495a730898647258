"""Rounds weights and biases: the last step of quantization, after which the model holds integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from edgeq.errors import UnsupportedError
from edgeq.passes.annotations import BLOCK_KEY
from edgeq.passes.editing import add_constant, constant, replace_value
from edgeq.passes.qdq import Grid, admit_width, insert_dequantizer, read_grid
from edgeq.passes.quantization_points import dequantizer_of
from edgeq.passes.weight_blocks import split_blocks
from edgeq.passes.weighted import bias_of, channel_axis, channel_count, is_weighted, not_constant, weight_of


@dataclass(frozen=True)
class FreezeWeights(ir.passes.InPlacePass):
    """Makes integer initializers of quantized constants, and int32 initializers of the biases of Conv and Gemm.

    A bias gets the scale sx * sw, the float32 product, and the zero point 0, whether it was float or had a scale of
    its own; one that is so already stays. Weights that `RoundBlocks` has made get a scale per block. Idempotent.

    Source: Jacob et al., CVPR 2018, section 2.4, equation 11.

    Raises:
        UnsupportedError: A bias is not constant or does not fit int32, or its node has no quantized input and weight.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        frozen = freeze_constants(model.graph)
        rounded = [_freeze_bias(node, bias) for node in list(model.graph) if (bias := _bias_operand(node)) is not None]
        blocked = [split_blocks(node) for node in list(model.graph) if _marked(node)]
        for bits in blocked:
            admit_width(model, bits)
        common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, modified=frozen or any(rounded) or bool(blocked))


def _marked(node: ir.Node) -> bool:
    """Whether a node's weight is to have blockwise scales, and has none yet."""
    undo = node.inputs[1].producer() if BLOCK_KEY in node.meta and node.inputs[1] is not None else None
    return undo is not None and not undo.attributes.get_int("block_size", 0)


def freeze_constants(graph: ir.Graph) -> bool:
    """Replaces each QuantizeLinear of an initializer by its result, which keeps its name. False if there is none."""
    constants = [(node, constant(node.inputs[0])) for node in graph if node.op_type == "QuantizeLinear"]
    found = [(node, real) for node, real in constants if real is not None]
    for node, real in found:
        output = node.outputs[0]
        name, output.name = str(output.name), None
        replace_value(output, add_constant(graph, name, read_grid(node).quantize(real)))
        graph.remove(node, safe=True)
    return bool(found)


def _bias_operand(node: ir.Node) -> ir.Value | None:
    return bias_of(node) if is_weighted(node) else None


def _freeze_bias(node: ir.Node, bias: ir.Value) -> bool:
    """Gives a node an int32 bias in the scale sx * sw. False where it has one already."""
    graph, source, grid = node.graph, bias.producer(), _bias_grid(node)
    assert graph is not None
    if source is not None and read_grid(source).equals(grid):
        return False
    scale = grid.scale.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.rint(np.broadcast_to(_real_values(node, bias).reshape(-1), channel_count(node)) / scale)
    if not (np.abs(steps) < 2.0**31).all():
        raise UnsupportedError(
            "the bias does not fit int32 in the scale of input times weight",
            node=node.name,
            tensor=bias.name,
            fix="quantize the weights of this operator with a larger scale",
        )
    name = str(bias.name).removesuffix("_dequantized")
    stored = add_constant(graph, f"{name}_quantized", steps.astype(np.int32))
    node.replace_input_with(2, insert_dequantizer(graph, stored, grid, name, before=node))
    return True


def _real_values(node: ir.Node, bias: ir.Value) -> np.ndarray:
    """The numbers of a float bias, or of a quantized one."""
    source = bias.producer()
    array = constant(bias if source is None else source.inputs[0])
    if array is None:
        raise not_constant(node, bias)
    return array if source is None else read_grid(source).dequantize(array)


def _bias_grid(node: ir.Node) -> Grid:
    """int32 in the scale sx * sw."""
    assert node.inputs[0] is not None
    x, weight = _grid_of(node, node.inputs[0]), _grid_of(node, weight_of(node))
    if not weight.per_tensor and weight.axis != channel_axis(node):
        raise UnsupportedError(
            f"the weight has scales along axis {weight.axis}, which is not its output channels",
            node=node.name,
            tensor=weight_of(node).name,
            fix=f"quantize it along axis {channel_axis(node)}",
        )
    scale = (x.scale * weight.scale).astype(np.float32)
    return Grid(scale, np.zeros(scale.shape, np.int32))


def _grid_of(node: ir.Node, value: ir.Value) -> Grid:
    source = dequantizer_of(value)
    if source is None:
        raise UnsupportedError(
            f"an operand of {node.op_type} is not quantized",
            node=node.name,
            tensor=value.name,
            fix="quantize it: a QuantizeLinear and a DequantizeLinear must stand before this operator",
        )
    return read_grid(source)
