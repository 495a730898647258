"""Greedy allocation: always the step that saves most for its loss, then improvement of the best trial."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.search.effects import Effects, measure_effects, scarcest
from edgeq.search.proposals import Proposer
from edgeq.search.space import Allocation


class Greedy(Proposer):
    """The path from the default to the cheapest allocation by least added loss per byte, from its first feasible point.

    Then the neighbours of the best trial, the most promising first, again and again while they improve it.
    """

    def ideas(self) -> Iterator[Allocation]:
        effects = measure_effects(self.problem)
        path = [effects.space.decode(indices) for indices in steps(effects, scarcest(effects, self.problem.budgets))]
        yield from (allocation for allocation in path if self.feasible(allocation))
        improved: Allocation | None = None
        while self.best(1) and self.best(1)[0] != improved:
            improved = self.best(1)[0]
            yield from self._around(improved, effects)

    def _around(self, allocation: Allocation, effects: Effects) -> Iterator[Allocation]:
        near = [a for a in effects.space.neighbours(allocation) if self.feasible(a)]
        if near:
            loss = effects.total_loss(np.array([effects.space.encode(a) for a in near]))
            yield from (near[i] for i in np.argsort(loss, kind="stable"))


def steps(effects: Effects, resource: int) -> Iterator[np.ndarray]:
    """Indices of the chosen values after each step, the default first: (knobs,).

    A step changes one knob to a cheaper value: the one of least added loss per unit of the resource that it saves.
    """
    chosen = np.zeros(len(effects.loss), int)
    while True:
        yield chosen.copy()
        best = min(_options(effects, chosen, resource), default=None)
        if best is None:
            return
        _, knob, value = best
        chosen[knob] = value


def _options(effects: Effects, chosen: np.ndarray, resource: int) -> Iterator[tuple[float, int, int]]:
    """(Added loss per saved unit, knob, value) of every step that saves something."""
    for knob, (loss, cost) in enumerate(zip(effects.loss, effects.cost, strict=True)):
        now = chosen[knob]
        for value in range(len(loss)):
            saved = cost[now, resource] - cost[value, resource]
            if saved > 0 and np.isfinite(loss[value]):
                yield float((loss[value] - loss[now]) / saved), knob, value
