"""Evolution by switching levels: one layer becomes wider, another narrower, the budget stays met."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.search.mutation import Mutation
from edgeq.search.proposals import Proposer
from edgeq.search.space import Allocation

PARENTS = 4
"""Best trials that have offspring; before there are as many, random allocations are tried."""

TRIES = 200
"""Mutations in a row that were over the budgets or known: then the neighbourhood counts as used up."""


class Evolution(Proposer):
    """Mutations of the best trials. Measures nothing but its trials: no sensitivities.

    Source: Sieberling et al., "EvoPress: Accurate Dynamic Model Compression via Evolutionary Search", ICML 2025,
    section 3 (level-switch mutation), with exact costs in place of the number of parameters.
    """

    def ideas(self) -> Iterator[Allocation]:
        rng, mutation, space = np.random.default_rng(self.problem.seed), Mutation(self.problem), self.problem.space
        yield from filter(self.feasible, self.problem.start)
        misses = 0
        while misses < TRIES:
            parents = self.best(PARENTS)
            if len(parents) < PARENTS:
                child = mutation.stranger(rng)
            else:
                child = mutation.child(space.encode(parents[int(rng.integers(PARENTS))]), rng)
            child = None if child is None else mutation.fit(child, rng)
            if child is None or space.decode(child) in self.known:
                misses += 1
            else:
                misses = 0
                yield space.decode(child)
