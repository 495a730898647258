"""Random allocations and mutations of given ones, within the budgets."""

from __future__ import annotations

import numpy as np

from edgeq.search.effects import cost_row, limits, measure_costs
from edgeq.search.strategy import Problem

CHANGES = 3
"""Knobs that a mutation changes at most; few are likelier than many."""


class Mutation:
    """Draws allocations as indices of values, (knobs,), and makes them cheap enough.

    Costs are first taken as sums of single effects; `fit` then asks for the exact cost.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._limit = limits(problem.budgets)
        self._base = cost_row(problem.cost(problem.space.default()))
        self._tables = measure_costs(problem)
        self._sizes = np.array([len(knob.values) for knob in problem.space.knobs])

    def stranger(self, rng: np.random.Generator) -> np.ndarray | None:
        """A random allocation, made cheaper at random until its sum is within the budgets; None where none is."""
        return self._cheapened(rng.integers(self._sizes), rng)

    def child(self, parent: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
        """The parent with a few knobs at other values, and others cheaper where the budgets ask for it."""
        child = parent.copy()
        several = np.flatnonzero(self._sizes > 1)
        count = min(*(int(n) for n in rng.integers(1, CHANGES + 1, size=2)), len(several))
        for knob in rng.choice(several, size=count, replace=False):
            child[knob] = (child[knob] + rng.integers(1, self._sizes[knob])) % self._sizes[knob]
        return self._cheapened(child, rng)

    def fit(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
        """The allocation, made cheaper until its exact cost is within the budgets; None where it cannot be."""
        while True:
            over = cost_row(self.problem.cost(self.problem.space.decode(indices))) > self._limit
            if not over.any():
                return indices
            if not self._cheapen(indices, over, rng):
                return None

    def _cheapened(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
        while True:
            cost = self._base + np.sum([t[v] for t, v in zip(self._tables, indices, strict=True)], axis=0)
            if (cost <= self._limit).all():
                return indices
            if not self._cheapen(indices, cost > self._limit, rng):
                return None

    def _cheapen(self, indices: np.ndarray, over: np.ndarray, rng: np.random.Generator) -> bool:
        """Gives a random knob a value that takes less of the first resource that is short; False if none does."""
        resource = int(np.flatnonzero(over)[0])
        cheaper = [
            (knob, int(value))
            for knob, table in enumerate(self._tables)
            for value in np.flatnonzero(table[:, resource] < table[indices[knob], resource])
        ]
        if not cheaper:
            return False
        knob, value = cheaper[int(rng.integers(len(cheaper)))]
        indices[knob] = value
        return True
