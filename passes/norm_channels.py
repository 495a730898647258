"""Moves scales and offsets of channels from behind a LayerNormalization into the layers that read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.samples import Samples
from edgeq.passes.channel_groups import is_layer
from edgeq.passes.decline import Decline, silently
from edgeq.passes.editing import constant, set_constant, sole_consumer, static_shape
from edgeq.passes.moved_labels import moved_labels


@dataclass(frozen=True, eq=False)
class NormReaders:
    """A LayerNormalization whose channels only layers read, and these layers."""

    norm: ir.Node
    layers: tuple[ir.Node, ...]

    @property
    def largest_weight(self) -> np.ndarray:
        """Of each channel, in all layers: float64, (channels,)."""
        return np.concatenate([np.abs(_weight(layer)) for layer in self.layers]).max(axis=0).astype(np.float64)

    def rescale(self, factor: np.ndarray, offset: np.ndarray) -> None:
        """The normalization's output y becomes (y - offset) / factor, and the layers read factor * y + offset.

        Args:
            factor, offset: Of each channel, (channels,), factors positive.
        """
        gamma = constant(self.norm.inputs[1])
        beta = constant(self.norm.inputs[2]) if len(self.norm.inputs) > 2 else None
        assert gamma is not None
        shifted = (0 if beta is None else beta) - offset
        set_constant(self.norm, 1, f"{self.norm.name}_scale", (gamma / factor).astype(gamma.dtype))
        set_constant(self.norm, 2, f"{self.norm.name}_bias", (shifted / factor).astype(gamma.dtype))
        for layer in self.layers:
            _read_rescaled(layer, factor, offset)


def _read_rescaled(layer: ir.Node, factor: np.ndarray, offset: np.ndarray) -> None:
    """Lets a Gemm whose input x has become (x - offset) / factor compute what it did."""
    weight, bias = _weight(layer), constant(layer.inputs[2]) if len(layer.inputs) > 2 else None
    added = weight.astype(np.float64) @ offset + (0 if bias is None else bias)
    set_constant(layer, 1, f"{layer.name}_weight", (weight * factor).astype(weight.dtype))
    set_constant(layer, 2, f"{layer.name}_bias", added.astype(weight.dtype))


def norm_readers(graph: ir.Graph, decline: Decline = silently) -> Iterator[NormReaders]:
    """The normalizations whose scales can move, in order.

    Args:
        decline: Told of the others, and why.
    """
    for norm in graph:
        if norm.op_type != "LayerNormalization":
            continue
        found = _readers(norm)
        if isinstance(found, str):
            decline(f"channels of {norm.name} stay as they are: {found}")
        else:
            yield NormReaders(norm, found)


def _readers(norm: ir.Node) -> tuple[ir.Node, ...] | str:
    """The layers that alone read a normalization, or why there are none."""
    result, scale = norm.outputs[0], norm.inputs[1]
    shape = static_shape(result)
    if shape is None or scale is None or static_shape(scale) != shape[-1:] or sole_consumer(scale) is not norm:
        return "its scale is not its own"
    channels = np.arange(shape[-1])
    layers: dict[ir.Node, None] = {}
    for node, index, labels in moved_labels(result, np.broadcast_to(channels, shape)):
        if node is None:
            return "they are a graph output"
        if not (node.op_type == "Gemm" and is_layer(node) and index == 0):
            return f"{node.op_type} {node.name} reads them, too"
        if labels.shape[-1] != len(channels) or not (labels == channels).all():
            return f"{node.name} reads them in another order"
        layers[node] = None
    return tuple(layers) or "no layer reads them"


def channel_extents(model: ir.Model, samples: Samples, values: list[ir.Value]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The smallest and the largest number of each channel, along the last axis: float64, (channels,) each."""
    names = [str(value.name) for value in values]
    runner = FloatRunner(model, names)
    lows, highs = [], []
    for batch in samples.batches(len(samples)):
        arrays = runner.run(batch)
        rows = [arrays[name].reshape(-1, arrays[name].shape[-1]).astype(np.float64) for name in names]
        lows.append([array.min(axis=0) for array in rows])
        highs.append([array.max(axis=0) for array in rows])
    low, high = ([np.stack(own) for own in zip(*found, strict=True)] for found in (lows, highs))
    return [(lo.min(axis=0), hi.max(axis=0)) for lo, hi in zip(low, high, strict=True)]


def _weight(layer: ir.Node) -> np.ndarray:
    weight = constant(layer.inputs[1])
    assert weight is not None
    return weight
