"""How far samples are from the statistics that a network's batch normalizations kept of training."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.errors import CalibrationError, UnsupportedError
from edgeq.passes.differentiable import layer_parameters, operations
from edgeq.passes.editing import static_shape
from edgeq.passes.fold_batchnorm import META_KEY, BatchNorm
from edgeq.passes.layer_rows import window_of
from edgeq.reconstruct.block import Block
from edgeq.reconstruct.generator_vjp import all_but_channels

Moments = tuple[np.ndarray, np.ndarray]
"""Mean and deviation of channels."""

LEAST_GAMMA = 1e-3
"""Channels that vary less after normalization say nothing about the input."""


@dataclass(frozen=True, eq=False)
class StatisticsNetwork:
    """A float network up to its last normalized value.

    Attributes:
        name: Of its input.
        block: Its operations.
        parameters: Weights and biases by name.
        scores: Name of the value (1, classes) that tells classes apart; None where there is none.
        statistics: Mean and deviation in training by name of a value, each (1, channels, 1...); deviation 0: ignored.
        strides: Of strided convolutions, by name of what they put out.
    """

    name: str
    block: Block
    parameters: dict[str, np.ndarray]
    scores: str | None
    statistics: dict[str, Moments]
    strides: dict[str, tuple[int, ...]]

    def loss(self, samples: np.ndarray) -> float:
        """How far the statistics of samples, (1, channels, *spatial, samples), are from those of training."""
        values = self.block.values({self.name: samples, **self.parameters})
        return float(sum(_mismatch(values[name], *known)[0] for name, known in self.statistics.items()))

    def slopes(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The gradient of the loss by the values that it is made of: statistics, and classes where they are known."""
        slopes = {name: _mismatch(values[name], *known)[1] for name, known in self.statistics.items()}
        if self.scores is not None:
            by_class = _unsure(values[self.scores])
            slopes[self.scores] = slopes[self.scores] + by_class if self.scores in slopes else by_class
        return slopes


def statistics_network(model: ir.Model) -> StatisticsNetwork:
    """Of a canonical float model with one input, its statistics in the `.meta` of values (`FoldBatchnorm`).

    Raises:
        CalibrationError: The model has several inputs, no statistics, or operators that are not differentiated.
    """
    if len(model.graph.inputs) != 1:
        raise CalibrationError("synthetic samples need a model with one input", fix="give real samples with --calib")
    normalized = {value: found for node in model.graph for value in node.outputs if (found := _statistics(value))}
    if not normalized:
        raise CalibrationError(
            "the model holds no batch normalization whose statistics synthetic samples could follow",
            fix="export it with BatchNormalization as nodes of its own (torch.onnx.export: optimize=False), or give "
            "real samples with --calib",
        )
    with suppress(UnsupportedError):  # behind the last normalization there may be what is not differentiated
        return _up_to(model.graph, normalized, _scores(model.graph))
    try:
        return _up_to(model.graph, normalized, [])
    except UnsupportedError as error:
        raise CalibrationError(error.what, node=error.node, fix="give real samples with --calib") from error


def _up_to(graph: ir.Graph, normalized: dict[ir.Value, Moments], scores: list[ir.Value]) -> StatisticsNetwork:
    nodes = _ancestors(graph, [*normalized, *scores])
    block, parameters = Block(operations(nodes, quantized=False)), layer_parameters(nodes)
    statistics = {str(value.name): found for value, found in normalized.items()}
    windows = {str(node.outputs[0].name): window_of(node) for node in nodes if node.op_type == "Conv"}
    strides = {name: window.strides for name, window in windows.items() if max(window.strides) > 1}
    ends = str(scores[0].name) if scores else None
    return StatisticsNetwork(str(graph.inputs[0].name), block, parameters, ends, statistics, strides)


def _scores(graph: ir.Graph) -> list[ir.Value]:
    """The value of shape (1, classes) that the network ends in, in front of a Softmax; none of another shape."""
    value = graph.outputs[0]
    last = value.producer()
    if last is not None and last.op_type == "Softmax" and last.inputs[0] is not None:
        value = last.inputs[0]
    shape = static_shape(value) or ()
    return [value] if len(graph.outputs) == 1 and len(shape) == 2 and shape[1] > 1 else []


def _statistics(value: ir.Value) -> Moments | None:
    """Mean and deviation of the channels after normalization."""
    found = value.meta.get(META_KEY)
    if not isinstance(found, BatchNorm):
        return None
    deviation = np.abs(found.gamma)
    shape = (1, -1, *[1] * (len(value.shape or ()) - 1))
    return found.beta.reshape(shape), np.where(deviation < LEAST_GAMMA, 0, deviation).reshape(shape)


def _ancestors(graph: ir.Graph, values: list[ir.Value]) -> list[ir.Node]:
    """The nodes that some values need, in order of execution."""
    wanted = set(values)
    kept: list[ir.Node] = []
    for node in reversed(graph):
        if wanted & set(node.outputs):
            wanted |= {value for value in node.inputs if value is not None}
            kept.append(node)
    return kept[::-1]


def _unsure(scores: np.ndarray) -> np.ndarray:
    """The gradient of the mean cross-entropy, by scores (1, classes, samples), of one class after the other."""
    classes, samples = scores.shape[1:]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    wanted = np.arange(classes)[:, None] == np.arange(samples) % classes
    return ((powers / powers.sum(axis=1, keepdims=True) - wanted) / samples).astype(np.float32)


def _mismatch(values: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> tuple[float, np.ndarray]:
    """How far a batch's statistics are from those of training, averaged over channels, and the gradient of that."""
    axes = all_but_channels(values)
    inverse = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    z = (values - mean) * inverse
    off = z.mean(axis=axes, keepdims=True)
    spread = np.sqrt(np.square(z - off).mean(axis=axes, keepdims=True) + np.float32(1e-6))
    excess = np.where(deviation > 0, spread - 1, 0)
    gradient = (off + excess * (z - off) / spread) * inverse * np.float32(2 / values.size)
    return float((np.square(off) + np.square(excess)).mean()), gradient
