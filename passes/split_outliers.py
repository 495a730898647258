"""Splits layers with a few large weights in two, each with a narrow range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.channel_groups import is_layer
from edgeq.passes.decline import Decline, silently
from edgeq.passes.editing import add_constant, constant, insert_node, substitute
from edgeq.passes.weighted import channel_axis, weight_bits_of

SHARES = np.geomspace(0.02, 0.9, 16)
"""Limits between small and large weights that are tried, as shares of a channel's largest."""


@dataclass(frozen=True)
class SplitOutliers(ir.passes.InPlacePass):
    """Computes a layer as the sum of two: one holds its small weights and the bias, the other its outliers.

    Each has its own scales, so that a few large weights no longer widen the steps of all others. It costs the layer's
    products twice; so a layer is split only where that lowers the error of its weights by `least_decibels`, and the
    measured loss of the network by `least_gain`. Leaves the function unchanged up to float rounding. Not idempotent.

    Source: Song and Lin, "SplitQuant: Layer Splitting for Low-Bit Neural Network Quantization", arXiv:2501.12428, 2025,
    section 3; two parts by magnitude in place of three clusters, as scales are symmetric.

    Attributes:
        judge: Measures the loss that a float model suffers when it is quantized, as `OutputNoise` does.
        weight_bits: See `InsertQdq`.
        least_decibels: By which the square error of a layer's weights must fall; layers without outliers gain about 4.
        least_gain: Share by which the measured noise must fall.
        decline: Told what is not split, and why.
    """

    judge: Callable[[ir.Model], float]
    weight_bits: int = 8
    least_decibels: float = 9.0
    least_gain: float = 0.1
    decline: Decline = silently

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified, noise = False, None
        for node in [node for node in model.graph if is_layer(node)]:
            large = _large_weights(node, weight_bits_of(node, self.weight_bits))
            if large.decibels < self.least_decibels:
                self.decline(f"{node.name} has no outliers: split, its weights would gain {large.decibels:.1f} dB")
                continue
            noise = self.judge(model) if noise is None else noise
            trial = model.clone()
            _split(next(twin for twin in trial.graph if twin.name == node.name), large.mask)
            after = self.judge(trial)
            if after > (1 - self.least_gain) * noise:
                self.decline(f"{node.name} was split in two, and the measured loss did not fall enough")
                continue
            _split(node, large.mask)
            modified, noise = True, after
        return ir.passes.PassResult(model, modified=modified)


@dataclass(frozen=True, eq=False)
class _LargeWeights:
    """The outliers of a layer.

    Attributes:
        mask: Of the shape of the weight.
        decibels: By which the square error of the weights falls without them.
    """

    mask: np.ndarray
    decibels: float


def _large_weights(node: ir.Node, bits: int) -> _LargeWeights:
    """The split of each channel with the least square error."""
    weight, axis = constant(node.inputs[1]), channel_axis(node)
    assert weight is not None
    channels = np.moveaxis(weight, axis, 0)
    rows = channels.reshape(len(channels), -1).astype(np.float64)
    largest, most = np.abs(rows).max(axis=1, keepdims=True), (1 << (bits - 1)) - 1
    whole = _square_error(rows, largest / most)
    least, limit = whole, largest
    for share in SHARES:
        small = np.abs(rows) <= share * largest
        steps = np.abs(np.where(small, rows, 0)).max(axis=1, keepdims=True) / most
        error = _square_error(np.where(small, rows, 0), steps) + _square_error(np.where(small, 0, rows), largest / most)
        least, limit = np.minimum(error, least), np.where(error < least, share * largest, limit)
    mask = np.moveaxis((np.abs(rows) > limit).reshape(channels.shape), 0, axis)
    gain = whole.sum() / max(least.sum(), np.finfo(float).tiny)
    return _LargeWeights(mask, float(10 * np.log10(max(gain, 1.0))))


def _square_error(rows: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Of rounding to nearest, (channels, 1)."""
    steps = np.divide(rows, step, out=np.zeros_like(rows), where=step > 0)
    return np.square((np.rint(steps) - steps) * step).sum(axis=1, keepdims=True)


def _split(node: ir.Node, large: np.ndarray) -> None:
    """Puts the sum of two layers in the place of one."""
    graph, weight, whole = node.graph, constant(node.inputs[1]), node.outputs[0]
    assert graph is not None and weight is not None
    parts = []
    for suffix, values, bias in (("", np.where(large, 0, weight), node.inputs[2:]), ("_outliers", weight * large, ())):
        own = add_constant(graph, f"{node.name}{suffix}_weight", values.astype(weight.dtype))
        inputs, name = [node.inputs[0], own, *bias], f"{node.name}{suffix}"
        part = insert_node(node, node.op_type, inputs, name, f"{whole.name}{suffix or '_small'}", **node.attributes)
        part.shape = whole.shape
        part.producer().meta.update(node.meta)  # type: ignore[union-attr]
        parts.append(part)
    total = insert_node(node, "Add", parts, f"{node.name}_sum", f"{whole.name}_sum")
    total.shape = whole.shape
    total.meta.update(whole.meta)
    substitute(node, total)
