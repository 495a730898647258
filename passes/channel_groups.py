"""Finds channels that must be transformed together: scaled by one factor, or shifted by one offset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx
import numpy as np
import onnx_ir as ir

from edgeq.passes.channels import can_scale
from edgeq.passes.editing import constant, scalar, sole_consumer, static_shape
from edgeq.passes.weighted import is_weighted

MOVERS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Concat", "Identity"})
"""Operators whose output elements are input elements; so are those of Pad, beside its zeros."""

Link = tuple[np.ndarray, np.ndarray]
"""Numbers of channels of an input, and of the channels of an output that each of them flows into."""

Numbers = Mapping[ir.Value, np.ndarray]
"""A number for each channel (axis 1) of a value: int, (channels,)."""


@dataclass(frozen=True, eq=False)
class ChannelGroups:
    """A partition of all channels; those of one group share their transformation.

    Attributes:
        of: Per value, the group of each channel.
        pinned: Groups that cannot be transformed, and why.
        count: Number of groups.
    """

    of: Numbers
    pinned: Mapping[int, str]
    count: int

    def obstacles(self, value: ir.Value) -> list[str]:
        """Why some or all channels of a value cannot be transformed; empty where they can."""
        return sorted({self.pinned[group] for group in self.of[value].tolist() if group in self.pinned})


def is_layer(node: ir.Node) -> bool:
    """Whether a Conv or Gemm can take up a transformation of its input or output: its weights are constant, its own."""
    weights = [value for value in node.inputs[1:] if value is not None]
    return can_scale(node) and all(sole_consumer(value) is node for value in weights)


def find_groups(graph: ir.Graph, commuting: frozenset[str]) -> ChannelGroups:
    """Groups of channels: connected components of the graph of channels that operators tie together.

    A residual stream comes out as one group per channel, because Add ties both operands to the sum.

    Args:
        graph: A canonical float graph.
        commuting: Operators beside `MOVERS` with which the transformation commutes, channel by channel. Layers take
            it up in their weights; at all other operators it must be the identity, and their channels are pinned.
    """
    numbers = number_channels(graph)
    tied = networkx.Graph()
    tied.add_nodes_from(range(sum(map(len, numbers.values()))))
    reasons: dict[int, str] = {}

    def pin(values: Iterable[ir.Value | None], reason: str) -> None:
        for value in values:
            if value in numbers:
                reasons.update(dict.fromkeys(numbers[value].tolist(), reason))

    pin(graph.inputs, "it is a graph input")
    pin(graph.outputs, "it is a graph output")
    for node in graph:
        links = [] if is_layer(node) else channel_links(node, numbers, commuting)
        if links is None:
            pin((*node.inputs, *node.outputs), _refusal(node))
        for source, target in links or ():
            tied.add_edges_from(zip(source.tolist(), target.tolist(), strict=True))
    return _components(numbers, tied, reasons)


def _refusal(node: ir.Node) -> str:
    why = "has no constant weights of its own" if is_weighted(node) else "does not allow it"
    return f"{node.op_type} {node.name!r} {why}"


def number_channels(graph: ir.Graph) -> dict[ir.Value, np.ndarray]:
    """Numbers from 0 for the channels of every value that has an axis 1."""
    numbers: dict[ir.Value, np.ndarray] = {}
    total = 0
    for value in (*graph.inputs, *(output for node in graph for output in node.outputs)):
        shape = static_shape(value)
        if shape is not None and len(shape) > 1:
            numbers[value] = np.arange(total, total + shape[1])
            total += shape[1]
    return numbers


def channel_links(node: ir.Node, numbers: Numbers, commuting: frozenset[str]) -> list[Link] | None:
    """Which channels of its activations a node hands to which channels of its outputs; None where it does more."""
    values = [value for value in node.inputs if value is not None and constant(value) is None]
    if any(value not in numbers for value in (*values, *node.outputs)):
        return None
    if node.op_type == "Concat" and len(values) < len(node.inputs):
        return None  # what is constant would have to change too
    if node.op_type in MOVERS or (node.op_type == "Pad" and _pads_zeros(node) and "Pad" in commuting):
        return _moved_channels(node, values, numbers)
    if node.op_type not in commuting or not _channelwise(node, values):
        return None
    return [(numbers[value], numbers[node.outputs[0]]) for value in values]


def _pads_zeros(node: ir.Node) -> bool:
    value = node.inputs[2] if len(node.inputs) > 2 else None
    return value is None or scalar(value) == 0


def _channelwise(node: ir.Node, values: Sequence[ir.Value]) -> bool:
    """All operands have the output's channels on axis 1, and no term is constant: it would have to change too."""
    shapes = [static_shape(value) or () for value in (*values, node.outputs[0])]
    constant_term = node.op_type in ("Add", "Sub") and len(values) != 2
    return not constant_term and len({(len(shape), shape[1]) for shape in shapes}) == 1


def _moved_channels(node: ir.Node, values: Iterable[ir.Value], numbers: Numbers) -> list[Link]:
    """Runs the operator on the numbers of channels: each element of the result says where it comes from."""
    from onnx.reference import ReferenceEvaluator

    feeds = {str(value.name): constant(value) for value in node.inputs if value is not None}
    feeds |= {str(value.name): _spread(numbers[value] + 1, static_shape(value) or ()) for value in values}
    links = []
    for value, origin in zip(node.outputs, ReferenceEvaluator(ir.to_proto(node)).run(None, feeds), strict=True):
        pairs = np.stack([origin.reshape(-1), _spread(numbers[value], origin.shape).reshape(-1)])
        source, target = np.unique(pairs[:, pairs[0] > 0], axis=1)  # padding is 0
        links.append((source - 1, target))
    return links


def _spread(numbers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Each channel's number at each of its elements."""
    return np.broadcast_to(numbers.reshape(-1, *[1] * (len(shape) - 2)), shape)


def _components(numbers: Numbers, tied: networkx.Graph, reasons: Mapping[int, str]) -> ChannelGroups:
    group_of = np.zeros(len(tied), np.int64)
    pinned: dict[int, str] = {}
    components = list(networkx.connected_components(tied))
    for group, members in enumerate(components):
        group_of[list(members)] = group
        reason = min((reasons[member] for member in members if member in reasons), default=None)
        if reason is not None:
            pinned[group] = reason
    return ChannelGroups({value: group_of[own] for value, own in numbers.items()}, pinned, len(components))
