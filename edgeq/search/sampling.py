"""The strategies that learn nothing: what others are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem
from edgeq.search.trial import Trial

TRIES = 1000
"""Draws in a row that were all known before: then the space counts as used up."""


class _Sequence:
    """Proposes what a fixed sequence gives, without what is known already."""

    def __init__(self, allocations: Iterator[Allocation], patience: int) -> None:
        self._left = allocations
        self._patience = patience
        self._known: set[Allocation] = set()

    def ask(self, count: int) -> list[Allocation]:
        return list(islice(self._fresh(), count))

    def tell(self, trials: Sequence[Trial]) -> None:
        self._known.update(trial.allocation for trial in trials)

    def notes(self) -> list[str]:
        return []

    def _fresh(self) -> Iterator[Allocation]:
        misses = 0
        for allocation in self._left:
            misses = misses + 1 if allocation in self._known else 0
            if misses == 0:
                self._known.add(allocation)
                yield allocation
            elif misses > self._patience:
                return


class Random(_Sequence):
    """What is worth trying first, then uniformly drawn allocations."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(_draws(problem), TRIES)


class Exhaustive(_Sequence):
    """All allocations, in the order of the space."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(iter(problem.space), problem.space.size)


def _draws(problem: Problem) -> Iterator[Allocation]:
    yield from problem.start
    rng = np.random.default_rng(problem.seed)
    while True:
        yield problem.space.sample(rng)
