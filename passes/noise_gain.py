"""How much noise on a tensor matters at the outputs of the network."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from edgeq.passes.channel_groups import channel_links, is_layer, number_channels
from edgeq.passes.channel_scaling import SCALES, input_channels
from edgeq.passes.channel_statistics import ChannelStatistics
from edgeq.passes.editing import constant, static_shape

_GATES = frozenset({"Relu", "Clip"})


def noise_gains(graph: ir.Graph, statistics: Mapping[ir.Value, ChannelStatistics]) -> dict[ir.Value, np.ndarray]:
    """Per channel of each value: noise power at the graph outputs for noise of power 1 on that channel.

    Propagates the power of independent noise backwards through the linearized network: a layer adds squared weights,
    a clamp passes the share of elements that it leaves open, an average divides by its window. Operators that are none
    of these pass it as it is.

    Args:
        graph: A canonical float graph.
        statistics: Of the outputs of clamps, whose open share is 1 where they are missing.
    """
    numbers = number_channels(graph)
    gains = {value: np.zeros(len(own)) for value, own in numbers.items()}
    for value in graph.outputs:
        if value in gains:
            gains[value] += 1
    flat = np.concatenate([*gains.values(), np.zeros(0)])
    for node in reversed(list(graph)):
        behind = [value for value in node.outputs if value in numbers]
        before = [value for value in node.inputs if value in numbers]
        if is_layer(node):
            flat[numbers[before[0]]] += _through_layer(node, flat[numbers[behind[0]]])
            continue
        links = channel_links(node, numbers, SCALES | _GATES)
        if links is None:
            links = [_whole(numbers[x], numbers[y]) for x in before for y in behind]
        share = np.zeros(len(flat))
        for value in behind:
            share[numbers[value]] = _passed(node, value, statistics)
        for source, target in links:
            np.add.at(flat, source, share[target] * flat[target])
    return {value: flat[own] for value, own in numbers.items()}


def _through_layer(layer: ir.Node, gains: np.ndarray) -> np.ndarray:
    """(input channels,) from (output channels,)."""
    weight = constant(layer.inputs[1])
    assert weight is not None
    columns = input_channels(layer)
    power = np.square(weight.astype(np.float64)).reshape(*columns.shape, -1).sum(axis=2)
    return np.bincount(columns.reshape(-1), (gains[:, None] * power).reshape(-1))


def _whole(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Channel to channel where there are as many; else each channel to one of the others."""
    return source, target[np.arange(len(source)) % len(target)]


def _passed(node: ir.Node, value: ir.Value, statistics: Mapping[ir.Value, ChannelStatistics]) -> np.ndarray | float:
    """Noise power of the output over that of the input."""
    if node.op_type in _GATES and value in statistics:
        return statistics[value].active
    if node.op_type in ("AveragePool", "GlobalAveragePool"):
        window = node.attributes.get_ints("kernel_shape") or (static_shape(node.inputs[0]) or ())[2:]
        return 1 / math.prod(window)
    return 1.0
