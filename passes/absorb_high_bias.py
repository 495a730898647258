"""Moves offsets of activation channels into the bias of the next layer, so that their common range becomes smaller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.passes.channel_groups import ChannelGroups, find_groups, is_layer
from edgeq.passes.channel_scaling import input_channels
from edgeq.passes.channel_statistics import ChannelStatistics, channel_statistics
from edgeq.passes.decline import Decline, silently
from edgeq.passes.editing import constant, set_constant
from edgeq.passes.fold_batchnorm import META_KEY, BatchNorm

SHIFTS = frozenset({"Relu", "MaxPool", "GlobalMaxPool", "AveragePool", "GlobalAveragePool", "Resize"})
"""Operators with f(x + c) = f(x) + c: averages without padding, and Relu where no element is cut off."""


@dataclass(frozen=True)
class AbsorbHighBias(ir.passes.InPlacePass):
    """High-bias absorption: shift channels by a constant, and undo it in the bias of the layers that read them.

    A channel in front of Relu that stays above c > 0 is lowered by c: relu(x) = relu(x - c) + c. One without an
    activation is centred on zero. Channels that a layer pads with zeros, or an Add reads, are declined.

    The function is unchanged up to float rounding, as long as no channel in front of Relu falls below its range on
    the samples by more than `margin`. Idempotent.

    Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section
    4.1.3, equations 15 and 16; the bound comes from samples in place of three standard deviations, and channels
    without an activation, where any shift is exact, are an addition.

    Raises:
        CalibrationError: The model computes NaN or infinity on a sample.

    Attributes:
        samples: Inputs of the model.
        margin: What is left of the distance from zero, as a share of the channel's extent.
        least_gain: A tensor is left as it is unless its range becomes smaller by this share.
        decline: Told what is not shifted, and why.
    """

    samples: Samples
    margin: float = 0.25
    least_gain: float = 0.01
    decline: Decline = silently

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        groups = _pin_padded(graph, find_groups(graph, SHIFTS))
        results = [node.outputs[0] for node in graph if is_layer(node)]
        for value in results:
            for reason in groups.obstacles(value):
                self.decline(f"{value.name} is not shifted, or not all of it: {reason}")
        statistics = channel_statistics(model, self.samples, results) if results else {}
        shifts = self._shifts(graph, groups, statistics)
        if not shifts.any():
            return ir.passes.PassResult(model, modified=False)
        _shift_channels(graph, groups, shifts)
        return ir.passes.PassResult(model, modified=True)

    def _shifts(
        self, graph: ir.Graph, groups: ChannelGroups, statistics: Mapping[ir.Value, ChannelStatistics]
    ) -> np.ndarray:
        """What to subtract from the channels of each group, (groups.count,)."""
        lo, hi = np.full(groups.count, np.inf), np.full(groups.count, -np.inf)
        for value, found in statistics.items():
            np.minimum.at(lo, groups.of[value], found.lo)
            np.maximum.at(hi, groups.of[value], found.hi)
        lo, hi = (np.where(np.isfinite(side), side, 0) for side in (lo, hi))
        above = np.maximum(lo - self.margin * (hi - lo), 0)
        shifts = np.where(_rectified(graph, groups), above, (lo + hi) / 2)
        shifts[list(groups.pinned)] = 0
        for value, found in statistics.items():
            own = groups.of[value]
            before, after = _extent(found.lo, found.hi), _extent(found.lo - shifts[own], found.hi - shifts[own])
            if after > (1 - self.least_gain) * before:
                shifts[own] = 0
        return shifts


def _extent(lo: np.ndarray, hi: np.ndarray) -> float:
    """Of the range that the quantizer of a tensor covers."""
    return float(hi.max(initial=0) - lo.min(initial=0))


def _pin_padded(graph: ir.Graph, groups: ChannelGroups) -> ChannelGroups:
    """Pins what is padded with zeros, to which no shift applies."""
    pinned = dict(groups.pinned)
    for node in graph:
        if node.op_type in ("Conv", "AveragePool") and any(node.attributes.get_ints("pads", ()) or ()):
            channels = groups.of.get(node.inputs[0], np.zeros(0, int))  # type: ignore[arg-type]
            pinned |= {group: pinned.get(group, f"{node.op_type} {node.name!r} pads it") for group in channels.tolist()}
    return replace(groups, pinned=pinned)


def _rectified(graph: ir.Graph, groups: ChannelGroups) -> np.ndarray:
    """Which groups a Relu touches: bool, (groups.count,)."""
    found = np.zeros(groups.count, bool)
    for node in graph:
        if node.op_type == "Relu" and node.outputs[0] in groups.of:
            found[groups.of[node.outputs[0]]] = True
    return found


def _shift_channels(graph: ir.Graph, groups: ChannelGroups, shifts: np.ndarray) -> None:
    """Subtracts from every activation the shift of its channel's group; statistics of batch normalization follow."""
    for layer, source, result in _layers(graph):
        weight = constant(layer.inputs[1])
        bias = constant(layer.inputs[2]) if len(layer.inputs) > 2 else None
        assert weight is not None
        columns = input_channels(layer)
        sums = weight.astype(np.float64).reshape(*columns.shape, -1).sum(axis=2)
        change = (sums * shifts[groups.of[source]][columns]).sum(axis=1) - shifts[groups.of[result]]
        if change.any():
            new = change if bias is None else bias + change
            set_constant(layer, 2, f"{layer.name}_bias", new.astype(weight.dtype))
    for value, group in groups.of.items():
        statistics = value.meta.get(META_KEY)
        if isinstance(statistics, BatchNorm):
            value.meta[META_KEY] = replace(statistics, beta=(statistics.beta - shifts[group]).astype(np.float32))


def _layers(graph: ir.Graph) -> Iterator[tuple[ir.Node, ir.Value, ir.Value]]:
    for node in graph:
        if is_layer(node) and node.inputs[0] is not None:
            yield node, node.inputs[0], node.outputs[0]
