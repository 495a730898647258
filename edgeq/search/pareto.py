"""The frontier of loss and size by dynamic programming."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgeq.search.effects import Effects, measure_effects, scarcest
from edgeq.search.proposals import Proposer
from edgeq.search.space import Allocation

POINTS = 2000
"""Kept of a frontier: of more, those nearest to as many even steps of size."""


@dataclass(frozen=True, eq=False)
class Frontier:
    """Allocations of the knobs so far that no other beats in both loss and size, by rising size.

    Attributes:
        loss, size: (points,).
        indices: Chosen values, (points, knobs so far).
    """

    loss: np.ndarray
    size: np.ndarray
    indices: np.ndarray


class Pareto(Proposer):
    """The frontier's allocations: within budgets those of least loss first, without any from the middle outwards.

    Source: Cai et al., "ZeroQ: A Novel Zero Shot Quantization Framework", CVPR 2020, section 3.2.
    """

    def ideas(self) -> Iterator[Allocation]:
        effects = measure_effects(self.problem)
        frontier = frontier_of(effects, scarcest(effects, self.problem.budgets))
        if any(name != "max_loss" for name in self.problem.budgets.given):
            order = np.argsort(frontier.loss, kind="stable")
        else:
            order = halving(len(frontier.loss))
        allocations = (effects.space.decode(frontier.indices[i]) for i in order)
        yield from (allocation for allocation in allocations if self.feasible(allocation))


def frontier_of(effects: Effects, resource: int) -> Frontier:
    """Of all knobs: adds one knob after the other and drops what is beaten."""
    frontier = Frontier(np.zeros(1), np.zeros(1), np.zeros((1, 0), int))
    for loss, cost in zip(effects.loss, effects.cost, strict=True):
        frontier = _extended(frontier, loss, cost[:, resource])
    return frontier


def _extended(frontier: Frontier, loss: np.ndarray, size: np.ndarray) -> Frontier:
    values = np.flatnonzero(np.isfinite(loss))
    points = np.repeat(np.arange(len(frontier.loss)), len(values))
    chosen = np.tile(values, len(frontier.loss))
    losses, sizes = frontier.loss[points] + loss[chosen], frontier.size[points] + size[chosen]
    order = np.lexsort((losses, sizes))
    best_before = np.minimum.accumulate(np.append(np.inf, losses[order]))[:-1]
    kept = order[losses[order] < best_before]
    if len(kept) > POINTS:
        even = np.searchsorted(sizes[kept], np.linspace(sizes[kept[0]], sizes[kept[-1]], POINTS))
        kept = kept[np.unique(even)]
    indices = np.column_stack((frontier.indices[points[kept]], chosen[kept]))
    return Frontier(losses[kept], sizes[kept], indices)


def halving(count: int) -> np.ndarray:
    """0 to count - 1 in an order whose beginnings are spread evenly: ends, middle, quarters, ..."""
    spans = [np.linspace(0, count - 1, 2**level + 1).round().astype(int) for level in range(count.bit_length() + 2)]
    _, first = np.unique(np.concatenate(spans), return_index=True)
    return np.concatenate(spans)[np.sort(first)]
