"""Brings a QDQ model of another tool (QAT, onnxruntime) to edgeq's integers, keeping its scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import onnx_ir as ir

from edgeq.errors import UnsupportedError
from edgeq.passes.editing import add_constant, constant
from edgeq.passes.freeze_weights import freeze_constants
from edgeq.passes.insert_qdq import quantize_constant_operands
from edgeq.passes.qdq import INTEGERS, Grid, read_grid, set_zero_point
from edgeq.passes.quantization_points import activation_operands
from edgeq.passes.weighted import is_weighted
from edgeq.program.builder.gather import vocabulary
from edgeq.quant.scheme import QUANTIZERS, RECURRENT, symmetric

BITS = {
    **{dtype: bits for bits, dtype in INTEGERS.items()},
    np.dtype(ml_dtypes.uint2): 2,
    np.dtype(ml_dtypes.uint4): 4,
    np.dtype(np.uint8): 8,
    np.dtype(np.uint16): 16,
}
"""Width of each type of integers."""

WEIGHT_BITS = (2, 4, 8)
ACTIVATION_BITS = (4, 8, 16)


@dataclass(frozen=True)
class ImportQuantized(ir.passes.InPlacePass):
    """Makes activations signed and weights symmetric, exactly, where they came unsigned or with zero points.

    - Unsigned activations and constant operands of 4, 8 or 16 bits: integers and zero point less half of their range.
    - Weights of 2, 4 or 8 bits: their zero point is subtracted, if the results fit the signed type of the same width.
    - Quantized constants elsewhere (slopes) become floats; float constant operands of Add, Sub, Mul and Concat
      are quantized.

    Biases are left to `FreezeWeights`.

    Raises:
        UnsupportedError: Integers at the interface that are not tokens, inputs or outputs of the network on other than
            8 bits, per-channel activations, other types, zero points of 16-bit activations, weights that do not fit.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        _check_interface(graph)
        freeze_constants(graph)
        for node in [node for node in graph if node.op_type == "QuantizeLinear"]:
            _import_activation(node)
        for node in [node for node in graph if node.op_type == "DequantizeLinear"]:
            integers = constant(node.inputs[0])
            if integers is not None:
                _import_constant(graph, node, integers)
            elif not _follows_quantizer(node):
                raise _refusal(node, "integers are used outside QuantizeLinear -> DequantizeLinear")
        quantize_constant_operands(graph, bits=8)
        return ir.passes.PassResult(model, modified=True)


def is_quantized(model: ir.Model) -> bool:
    """Whether a model is quantized already, if only in part."""
    return any(node.op_type in QUANTIZERS for node in model.graph)


def _check_interface(graph: ir.Graph) -> None:
    for value in (*graph.inputs, *graph.outputs):
        if value.dtype != ir.DataType.FLOAT and not vocabulary(value):
            raise UnsupportedError(
                f"an input or output of the quantized model has the type {value.dtype}",
                tensor=value.name,
                fix="export it with float inputs and outputs: edgeq makes the interface integer by itself",
            )


def _follows_quantizer(node: ir.Node) -> bool:
    producer = None if node.inputs[0] is None else node.inputs[0].producer()
    return producer is not None and producer.op_type == "QuantizeLinear"


def _import_activation(node: ir.Node) -> None:
    """Makes a QuantizeLinear and its DequantizeLinears signed."""
    signed, users = _signed_grid(node), node.outputs[0].consumers()
    if _at_interface(node, users) and BITS[signed.zero_point.dtype] != 8:
        raise _refusal(node, "an input or output of the network is not quantized to 8 bits", "give it 8 bits")
    for user in users:
        if user.op_type != "DequantizeLinear" or not read_grid(user).equals(read_grid(node)):
            raise _refusal(node, f"{user.name!r} does not undo it with the same parameters")
    if not signed.equals(read_grid(node)):
        set_zero_point((node, *users), signed.zero_point)
        node.outputs[0].type = ir.TensorType(ir.DataType.from_numpy(signed.zero_point.dtype))


def _at_interface(node: ir.Node, users: Sequence[ir.Node]) -> bool:
    value = node.inputs[0]
    return (value is not None and value.is_graph_input()) or any(user.outputs[0].is_graph_output() for user in users)


def _signed_grid(node: ir.Node) -> Grid:
    """The grid of a per-tensor quantizer in signed integers.

    Raises:
        UnsupportedError: It is per channel, or of a width or with a zero point that activations cannot have.
    """
    grid = read_grid(node)
    bits = BITS.get(grid.zero_point.dtype)
    if not grid.per_tensor:
        raise _refusal(node, "an activation has one scale per channel", "quantize activations per tensor")
    if bits not in ACTIVATION_BITS:
        raise _refusal(node, f"an activation is quantized to {grid.zero_point.dtype}", "quantize activations to 8 bits")
    result = Grid(grid.scale, _signed(grid.zero_point))
    if symmetric(bits) and result.zero_point.any():
        raise _refusal(node, "a 16-bit activation has a zero point", "quantize 16-bit activations symmetrically")
    return result


def _signed(integers: np.ndarray) -> np.ndarray:
    """Unsigned integers less half of their range; signed ones as they are."""
    bits = BITS[integers.dtype]
    if integers.dtype == INTEGERS[bits]:
        return integers
    return (integers.astype(np.int32) - (1 << bits - 1)).astype(INTEGERS[bits])


def _import_constant(graph: ir.Graph, node: ir.Node, integers: np.ndarray) -> None:
    """Brings the dequantizer of a constant to the form that its uses want."""
    roles = {_role(user, index) for user, index in node.outputs[0].uses()}
    if "weight" in roles:
        _store(graph, node, *_symmetric(node, integers))
    elif "operand" in roles:
        grid = _signed_grid(node)
        _store(graph, node, _signed(integers), grid)
    if "other" in roles:
        real = add_constant(graph, str(node.outputs[0].name), read_grid(node).dequantize(integers).astype(np.float32))
        for user, index in node.outputs[0].uses():
            if _role(user, index) == "other":
                user.replace_input_with(index, real)


def _role(node: ir.Node, index: int) -> str:
    """What a constant is for the node that uses it."""
    if is_weighted(node) and index > 0:
        return "weight" if index == 1 else "bias"
    if node.op_type in RECURRENT and index in (1, 2):
        return "weight"
    return "operand" if any(index == i for i, _ in activation_operands(node)) else "other"


def _symmetric(node: ir.Node, integers: np.ndarray) -> tuple[np.ndarray, Grid]:
    """Weights with the zero point 0.

    Raises:
        UnsupportedError: They do not fit the signed type.
    """
    grid = read_grid(node)
    bits = BITS.get(integers.dtype)
    if bits not in WEIGHT_BITS:
        raise _refusal(node, f"a weight has the type {integers.dtype}", "quantize weights to int8, int4 or int2")
    signed = INTEGERS[bits]
    shifted = Grid(np.ones_like(grid.scale), grid.zero_point, grid.axis).dequantize(integers)
    result = shifted.astype(np.int64).astype(signed)
    if not np.array_equal(result.astype(np.float64), shifted):
        raise _refusal(node, "a weight has zero points and does not fit without them", "quantize weights symmetrically")
    return result, Grid(grid.scale, np.zeros(grid.scale.shape, signed), grid.axis)


def _store(graph: ir.Graph, node: ir.Node, integers: np.ndarray, grid: Grid) -> None:
    """Gives a dequantizer other integers on another grid, if it is another."""
    source = node.inputs[0]
    assert source is not None
    if not grid.equals(read_grid(node)):
        node.replace_input_with(0, add_constant(graph, f"{source.name}_signed", integers))
        set_zero_point([node], grid.zero_point)


def _refusal(
    node: ir.Node, what: str, fix: str = "export plain QDQ: each DequantizeLinear behind its own QuantizeLinear"
) -> UnsupportedError:
    tensor = node.inputs[0]
    return UnsupportedError(what, node=node.name, tensor=None if tensor is None else tensor.name, fix=fix)
