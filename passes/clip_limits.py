"""How far channels can be scaled up without running into the limits of a Clip, and which cannot be scaled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from edgeq.passes.channel_groups import ChannelGroups
from edgeq.passes.channel_statistics import ChannelStatistics
from edgeq.passes.fuse_activation import limits


def clips(graph: ir.Graph) -> list[tuple[ir.Node, ir.Value]]:
    """Every Clip and its input."""
    return [(node, node.inputs[0]) for node in graph if node.op_type == "Clip" and node.inputs[0] is not None]


def limit_by_clips(
    graph: ir.Graph, groups: ChannelGroups, statistics: Mapping[ir.Value, ChannelStatistics], margin: float
) -> tuple[ChannelGroups, np.ndarray]:
    """Pins the groups that a Clip touches; the others may grow until they come near it.

    Scaling commutes with a limit of 0, and with any limit that is met neither before nor after. A channel counts as
    untouched if `margin` times its range on the samples lies within the limits.

    Args:
        groups: Found with Clip among the commuting operators.
        statistics: Of the inputs of all Clips.

    Returns:
        The groups, more of them pinned; the largest factor of each group, (groups.count,), infinite without a Clip.
    """
    largest = np.full(groups.count, math.inf)
    pinned = dict(groups.pinned)
    for node, value in clips(graph):
        own = groups.of.get(value)
        if own is None:
            continue
        room = _room(node, statistics[value], margin)
        np.minimum.at(largest, own, room)
        reason = f"Clip {node.name!r} cuts it off"
        pinned |= {group: pinned.get(group, reason) for group in own[room < 1].tolist()}
    return replace(groups, pinned=pinned), largest


def _room(node: ir.Node, found: ChannelStatistics, margin: float) -> np.ndarray:
    """Per channel, the factor by which it can grow; below 1 where it cannot be scaled at all."""
    room = np.full(len(found.hi), math.inf)
    bounds = limits(node)
    if bounds is None or not bounds[0] <= 0 <= bounds[1]:
        return np.zeros(len(found.hi))
    for bound, reach in ((bounds[1], found.hi), (-bounds[0], -found.lo)):
        if 0 < bound < math.inf:
            room = np.minimum(room, bound / (margin * np.maximum(reach, np.finfo(np.float32).tiny)))
    return room
