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

    Where its output is added to that of an earlier layer, it must make up for the error of that one, too, and what
    counts is the sum behind its activation.

    Args:
        real, quantized: The network in float, and quantized so far; both stand before the layer.
        held: Which samples are held out, (samples,).
        rng: Chooses the output positions.
    """
    node, source = opened.node, opened.node.inputs[0]
    assert source is not None
    positions = choose_positions(node, len(held), rng)
    weight, bias = opened.reference_weight(), opened.reference_bias()
    target = input_rows(node, real.read(source), positions) @ weight.transpose(0, 2, 1) + bias[:, None]
    x, offset = input_rows(node, quantized.read(source), positions), None
    add, other = _addition(node)
    if other is not None and real.knows(other) and quantized.knows(other):
        offset = output_rows(node, quantized.read(other), positions)
        target += output_rows(node, real.read(other), positions) - offset
    return Layer(
        name=str(node.name),
        x=x,
        target=target,
        held=np.repeat(held, positions.shape[1]),
        weight=weight,
        present=opened.present(),
        has_bias=opened.takes_bias,
        floor=opened.floor(bias),
        shared=opened.shared,
        limits=opened.limits,
        clip=_clip(node if offset is None else add),
        offset=offset,
        taps=opened.taps,
    )


def _clip(node: ir.Node) -> tuple[float, float]:
    """Limits of the activation fused to a node."""
    user = sole_consumer(node.outputs[0])
    if user is None or user.op_type not in ACTIVATIONS:
        return (-np.inf, np.inf)
    activation = read_activation(user)
    return (activation.lo, activation.hi)


def _addition(node: ir.Node) -> tuple[ir.Node, ir.Value | None]:
    """The Add that alone uses what the layer's quantizers make, and its other operand.

    The node itself and None, where there is no such Add, or it broadcasts.
    """
    quantize = sole_consumer(node.outputs[0])
    undo = None if quantize is None else sole_consumer(quantize.outputs[0])
    add = None if undo is None else sole_consumer(undo.outputs[0])
    if undo is None or add is None or undo.op_type != "DequantizeLinear" or add.op_type != "Add":
        return node, None
    first, second = add.inputs
    other = second if first is undo.outputs[0] else first
    return (add, other) if other is not None and other.shape == node.outputs[0].shape else (node, None)
