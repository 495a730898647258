"""Scales channels of activations and takes the factors up in the layers around them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from edgeq.passes.channel_groups import ChannelGroups, is_layer
from edgeq.passes.editing import constant, set_constant
from edgeq.passes.fold_batchnorm import META_KEY, BatchNorm

SCALES = frozenset(
    {"Relu", "LeakyRelu", "PRelu", "Add", "Sub", "Pad", "Resize"}
    | {"MaxPool", "GlobalMaxPool", "AveragePool", "GlobalAveragePool"}
)
"""Operators with f(s * x) = s * f(x) for every s > 0 (Nagel et al. 2019, section 4.1, equation 5)."""


def input_channels(layer: ir.Node) -> np.ndarray:
    """The input channel that each column of a layer's weight multiplies: int, (outputs, inputs / groups)."""
    weight = constant(layer.inputs[1])
    assert weight is not None
    outputs, inputs = weight.shape[:2]
    first = np.arange(outputs) // (outputs // layer.attributes.get_int("group", 1)) * inputs
    return first[:, None] + np.arange(inputs)


def scale_channels(graph: ir.Graph, groups: ChannelGroups, factors: np.ndarray) -> None:
    """Multiplies every activation by the factor of its channel's group, in the weights of the layers.

    The graph outputs are unchanged up to float rounding where pinned groups have the factor 1. Statistics of folded
    batch normalization follow.

    Args:
        groups: Of this graph, found for `SCALES`.
        factors: Positive float64, (groups.count,).
    """
    for node in graph:
        if is_layer(node):
            _scale_layer(node, factors[groups.of[node.inputs[0]]], factors[groups.of[node.outputs[0]]])  # type: ignore[index]
    for value, group in groups.of.items():
        statistics = value.meta.get(META_KEY)
        if isinstance(statistics, BatchNorm):
            gamma, beta = (array * factors[group] for array in (statistics.gamma, statistics.beta))
            value.meta[META_KEY] = replace(statistics, gamma=gamma.astype(np.float32), beta=beta.astype(np.float32))


def _scale_layer(layer: ir.Node, before: np.ndarray, behind: np.ndarray) -> None:
    """y * behind = W'(x * before) + b'."""
    weight = constant(layer.inputs[1])
    bias = constant(layer.inputs[2]) if len(layer.inputs) > 2 else None
    assert weight is not None
    gain = behind[:, None] / before[input_channels(layer)]
    gain = gain.reshape(*gain.shape, *[1] * (weight.ndim - 2))
    set_constant(layer, 1, f"{layer.name}_weight", (weight * gain).astype(weight.dtype))
    if bias is not None:
        set_constant(layer, 2, f"{layer.name}_bias", (bias * behind).astype(bias.dtype))
