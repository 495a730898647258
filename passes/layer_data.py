"""What a layer sees and should compute, from the network in float and in its quantized form."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import sole_consumer
from edgeq.passes.layer_rows import choose_positions, input_rows, output_rows
from edgeq.passes.open_layer import OpenLayer
from edgeq.program.builder.activation import ACTIVATIONS, read_activation
from edgeq.reconstruct.layer import Layer
from edgeq.reconstruct.replica import Replica


def read_layer(
    opened: OpenLayer, real: Replica, quantized: Replica, held: np.ndarray, rng: np.random.Generator
) -> Layer:
    """The task of quantizing a layer.

    Args:
        real, quantized: The network in float, and quantized so far; both stand before the layer.
        held: Which samples are held out, (samples,).
        rng: Chooses the output positions.
    """
    node, source = opened.node, opened.node.inputs[0]
    assert source is not None
    positions = choose_positions(node, len(held), rng)
    exact, x = (input_rows(node, replica.read(source), positions) for replica in (real, quantized))
    weight, bias = opened.reference_weight(), opened.reference_bias()
    target = exact @ weight.transpose(0, 2, 1) + bias[:, None]
    return Layer(
        name=str(node.name),
        x=x,
        target=target + _error_elsewhere(node, real, quantized, positions),
        held=np.repeat(held, positions.shape[1]),
        weight=weight,
        present=opened.present(),
        has_bias=opened.takes_bias,
        floor=opened.floor(bias),
        shared=opened.shared,
        limits=opened.limits,
        clip=_clip(node),
    )


def _clip(node: ir.Node) -> tuple[float, float]:
    """Limits of the fused activation."""
    user = sole_consumer(node.outputs[0])
    if user is None or user.op_type not in ACTIVATIONS:
        return (-np.inf, np.inf)
    activation = read_activation(user)
    return (activation.lo, activation.hi)


def _error_elsewhere(node: ir.Node, real: Replica, quantized: Replica, positions: np.ndarray) -> np.ndarray | float:
    """What the layer must add to its own output for its sum with another branch to come out as in float.

    (groups, rows, outputs): the error of the other operand of the Add behind the layer, where that has run before.
    """
    other = _other_operand(node)
    if other is None or not real.knows(other) or not quantized.knows(other):
        return 0.0
    return output_rows(node, real.read(other) - quantized.read(other), positions)


def _other_operand(node: ir.Node) -> ir.Value | None:
    """The other operand of the Add that alone uses what the layer's quantizers make; None where it broadcasts."""
    quantize = sole_consumer(node.outputs[0])
    undo = None if quantize is None else sole_consumer(quantize.outputs[0])
    add = None if undo is None else sole_consumer(undo.outputs[0])
    if undo is None or add is None or undo.op_type != "DequantizeLinear" or add.op_type != "Add":
        return None
    first, second = add.inputs
    other = second if first is undo.outputs[0] else first
    return other if other is not None and other.shape == node.outputs[0].shape else None
