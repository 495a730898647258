"""The inputs and outputs of a Conv, Gemm or MatMul as rows, at sampled output positions."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import static_shape
from edgeq.passes.weighted import weight_of
from edgeq.reconstruct.rows import Window, patches, sample_positions

MAX_ROWS = 1 << 14
"""Rows per layer."""

MAX_NUMBERS = 1 << 23
"""Numbers in the rows of a layer: 32 MiB."""


def choose_positions(node: ir.Node, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Flat output positions to look at, (samples, n): as many as memory allows, one per sample at least."""
    shape, weight = static_shape(node.outputs[0]) or (), static_shape(weight_of(node)) or ()
    groups = node.attributes.get_int("group", 1)
    inputs = math.prod(weight[1:]) * groups if node.op_type == "Conv" else math.prod(weight)
    outputs = shape[1] if node.op_type == "Conv" else shape[-1]
    rows = min(MAX_ROWS, MAX_NUMBERS // max(inputs if node.op_type == "Conv" else inputs // outputs, 1))
    return sample_positions(samples, math.prod(shape) // outputs, max(1, rows // samples), rng)


def input_rows(node: ir.Node, x: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(groups, rows, inputs) from the node's input (samples, *shape)."""
    if node.op_type == "Conv":
        return patches(x.reshape(-1, *x.shape[2:]), window_of(node), node.attributes.get_int("group", 1), positions)
    return _rows(x.reshape(len(x), -1, x.shape[-1]), positions)[None]


def window_of(node: ir.Node) -> Window:
    """Where a Conv or a pool looks."""
    attributes = node.attributes
    kernel = tuple(attributes.get_ints("kernel_shape") or (static_shape(node.inputs[1]) or ())[2:])
    return Window(
        kernel,
        tuple(attributes.get_ints("strides", (1,) * len(kernel)) or ()),
        tuple(attributes.get_ints("dilations", (1,) * len(kernel)) or ()),
        tuple(attributes.get_ints("pads", (0,) * 2 * len(kernel)) or ()),
    )


def output_rows(node: ir.Node, y: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(groups, rows, outputs) from a tensor (samples, *shape) of the shape of the node's output."""
    if node.op_type == "Conv":
        y = np.moveaxis(y, 2, -1)
    rows = _rows(y.reshape(len(y), -1, y.shape[-1]), positions)
    groups = node.attributes.get_int("group", 1)
    return rows.reshape(len(rows), groups, -1).transpose(1, 0, 2)


def _rows(tensor: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(samples, all positions, width) to (rows, width)."""
    return np.take_along_axis(tensor, positions[..., None], axis=1).reshape(-1, tensor.shape[-1])
