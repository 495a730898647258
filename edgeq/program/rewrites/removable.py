"""Decides which channels of a program can go.

Operators that work channel by channel (depthwise, pooling, tables, additions, copies) tie a channel of their input to
one of their result: tied ones go or stay together. A set of tied channels goes where none of them is visible at the
interface or needed by an operator that mixes channels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import accumulate

import numpy as np

from edgeq.program.program import Program
from edgeq.program.rewrites.bounds import Bounds
from edgeq.program.rewrites.channels import channel_count
from edgeq.program.rewrites.readers import mixes_channels, needed_channels
from edgeq.program.rewrites.ties import fixed_buffers, ties

GRANULE = 4
"""Channels stay in whole words of int8, which kernels load at once."""


def removable_channels(
    program: Program, bounds: Mapping[str, Bounds], fixed: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """The channels that can go: by buffer, bool (channels,). Only buffers that lose some are named; none loses all.

    Args:
        bounds: Of `channel_bounds`.
        fixed: Buffers that must stay as they are.
    """
    channels = _numbered(program)
    group = _groups(program, channels)
    needed = np.zeros(len(group), bool)
    for name in {*fixed, *_all_fixed(program)}:
        needed[channels[name]] = True
    for op in program.ops:
        if mixes_channels(op) and not needed[channels[op.x]].all():
            needed[channels[op.x]] |= needed_channels(op, bounds[op.x])
    kept = _whole_words(needed, group, channels)
    return {name: ~kept[numbers] for name, numbers in channels.items() if not kept[numbers].all()}


def _numbered(program: Program) -> dict[str, np.ndarray]:
    """Numbers for all channels of the program, by buffer."""
    counts = [channel_count(b) for b in program.buffers]
    starts = accumulate(counts, initial=0)
    return {b.name: np.arange(s, s + n) for b, s, n in zip(program.buffers, starts, counts, strict=False)}


def _all_fixed(program: Program) -> set[str]:
    """Buffers of the interface, and those that some operator needs as they are."""
    ports = {port.buffer for port in program.inputs + program.outputs}
    return ports.union(*(fixed_buffers(op, program) for op in program.ops))


def _groups(program: Program, channels: Mapping[str, np.ndarray]) -> np.ndarray:
    """The set of tied channels that each channel belongs to, as a number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    tied = [np.empty((0, 2), np.int64)]
    for op in program.ops:
        for name, pairs in ties(op, program):
            tied.append(np.stack([channels[op.y][pairs[:, 0]], channels[name][pairs[:, 1]]], axis=1))
    rows, columns = np.concatenate(tied).T
    total = sum(map(len, channels.values()))
    graph = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(total, total))
    return connected_components(graph, directed=False)[1]


def _whole_words(needed: np.ndarray, group: np.ndarray, channels: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which channels stay: the groups with a needed one, and as many more as make whole words everywhere."""
    while True:
        kept = (np.bincount(group, needed) > 0)[group]
        spare = [_spare(kept[numbers]) for numbers in channels.values()]
        needed = kept.copy()
        for numbers, chosen in zip(channels.values(), spare, strict=True):
            needed[numbers[chosen]] = True
        if (needed == kept).all():
            return kept


def _spare(kept: np.ndarray) -> np.ndarray:
    """Channels of one buffer to keep beside those already kept: until a whole word, or at least one, is there."""
    missing = -int(kept.sum()) % GRANULE if kept.any() else GRANULE
    return np.flatnonzero(~kept)[:missing]
