"""The float network inside a QDQ model: what its constants were before any pass changed them."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import add_constant, constant, parameter, set_constant
from edgeq.passes.qdq import read_grid

REFERENCE_KEY = "reference"
"""Where the first array of a changed constant lies in its value's `.meta`. Not `edgeq.*`: too large for dumps."""


def change_constant(node: ir.Node, index: int, name: str, array: np.ndarray, reference: np.ndarray) -> None:
    """Lets a constant operand be `array`, and keeps what it was in the float network.

    Args:
        name: Of the initializer, where there is none yet.
        reference: The operand in the float network.
    """
    set_constant(node, index, name, array)
    value = node.inputs[index]
    assert value is not None
    value.meta[REFERENCE_KEY] = reference


def reference(value: ir.Value) -> np.ndarray:
    """The array of an initializer in the float network."""
    found = value.meta.get(REFERENCE_KEY)
    array = constant(value) if found is None else found
    assert array is not None
    return array


def float_constants(graph: ir.Graph) -> dict[str, np.ndarray]:
    """Constants of the float network by value name: all initializers, and parameters behind their quantizers."""
    initializers = {str(value.name): reference(value) for value in graph.initializers.values()}
    return initializers | {str(undo.outputs[0].name): reference(value) for value, _, undo in parameter_pairs(graph)}


def quantized_constants(graph: ir.Graph) -> dict[str, np.ndarray]:
    """Constants of the quantized network by value name: parameters as their quantizers leave them."""
    return {str(undo.outputs[0].name): quantized_parameter(quantize) for _, quantize, undo in parameter_pairs(graph)}


def quantized_parameter(quantize: ir.Node) -> np.ndarray:
    """What the pair of a constant makes of it, float32."""
    grid, array = read_grid(quantize), constant(quantize.inputs[0])
    assert array is not None
    return grid.dequantize(grid.quantize(array)).astype(np.float32)


def parameter_pairs(graph: ir.Graph) -> list[tuple[ir.Value, ir.Node, ir.Node]]:
    """Initializers with the QuantizeLinear and DequantizeLinear behind them."""
    return [
        (source, node, undo)
        for node in graph
        if node.op_type == "QuantizeLinear" and (source := node.inputs[0]) is not None and source.is_initializer()
        for undo in node.outputs[0].consumers()
        if undo.op_type == "DequantizeLinear"
    ]


def pair_aliases(graph: ir.Graph) -> dict[str, str]:
    """The names under which the float network knows what quantizers of activations make: those of their inputs."""
    names: dict[str, str] = {}
    for node in graph:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and not parameter(node.outputs[0]):
            source = str(node.inputs[0].name)  # type: ignore[union-attr]
            names[str(node.outputs[0].name)] = names.get(source, source)
    return names


def set_scale(quantize: ir.Node, scale: np.ndarray) -> None:
    """Gives a QuantizeLinear of a constant, and the DequantizeLinear behind it, another scale."""
    old, graph = quantize.inputs[1], quantize.graph
    assert old is not None and graph is not None
    new = add_constant(graph, str(old.name), scale)
    for node in (quantize, *quantize.outputs[0].consumers()):
        node.replace_input_with(1, new)
