"""Tensors that keep 8 bits when activations have 4: a network's input, its logits and its output."""

from __future__ import annotations

import onnx


def wide_tensors(model: onnx.ModelProto) -> set[str]:
    """Names of graph inputs, graph outputs and what a Softmax reads, and of those that only move them."""
    constants = {tensor.name for tensor in model.graph.initializer}
    ends = {value.name for value in [*model.graph.input, *model.graph.output]} - constants
    ends |= {node.input[0] for node in model.graph.node if node.op_type == "Softmax"}
    for node in model.graph.node:
        if node.op_type in ("Transpose", "Reshape") and node.input[0] in ends:
            ends.add(node.output[0])
    return ends
