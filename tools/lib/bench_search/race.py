"""Runs a strategy until it reaches a level of loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem, Strategy
from edgeq.search.trial import Outcome, Trial


def losses(strategy: Strategy, problem: Problem, level: float, most: int) -> list[float]:
    """Losses of the trials, one after the other, until one reaches the level or there were so many."""
    found: list[float] = []
    while len(found) < most and not (found and found[-1] <= level):
        asked = strategy.ask(1)
        if not asked:
            break
        outcome = Outcome(problem.cost(asked[0]), problem.probe(asked[0]), drop=0.0, samples=1)
        strategy.tell([Trial(len(found), asked[0], outcome)])
        found.append(outcome.loss)
    return found


def within(problem: Problem) -> Iterator[Allocation]:
    """Random allocations within the budgets, each as likely as any other, each once."""
    rng, known = np.random.default_rng(problem.seed), set()
    while True:
        allocation = problem.space.sample(rng)
        if allocation not in known and not problem.budgets.over_cost(problem.cost(allocation)):
            known.add(allocation)
            yield allocation
