"""Strategies on one problem, each with many seeds: how many trials each needs to levels of loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench_search.peers import Optuna
from bench_search.race import losses, trials_to
from edgeq.search.boosted import Boosted
from edgeq.search.sampling import Exhaustive
from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem, Strategy
from edgeq.search.surrogate import Records, train_prior

SEEDS = 20


@dataclass(frozen=True)
class Level:
    """A loss to reach.

    Attributes:
        share: Of random allocations within the budgets that reach it.
    """

    loss: float
    share: float


@dataclass(frozen=True)
class Entry:
    """What a strategy needed to a level with one seed.

    Attributes:
        trials: Infinite if it gave up before.
        probes: Losses that it looked at besides, on fewer samples in a real search.
    """

    strategy: str
    seed: int
    level: Level
    trials: float
    probes: int


def levels(sample: Sequence[float], ranks: Sequence[int], *fixed: float) -> list[Level]:
    """The losses that so many of a random sample reach, and others, with the shares of the sample that reach them."""
    wanted = (*(sorted(sample)[rank - 1] for rank in ranks), *fixed)
    return [Level(loss, sum(other <= loss for other in sample) / len(sample)) for loss in wanted]


def contest(
    problem: Callable[[int], Problem],
    sample: Sequence[float],
    goals: Sequence[Level],
    others: Records,
    most: int,
    optuna: Path,
) -> Iterator[Entry]:
    """All strategies on a problem.

    Args:
        problem: By seed.
        sample: Losses of random allocations within the budgets: random search is to shuffle them.
        others: Trials on other models, for the prior.
        most: Trials after which a strategy gives up.
        optuna: Python interpreter with Optuna.
    """
    prior, hardest = train_prior(others), min(goal.loss for goal in goals)
    makers: dict[str, Callable[[Problem], Strategy]] = {
        "xgboost": lambda p: Boosted(p, prior),
        "tpe": lambda p: Optuna(p, "tpe", optuna),
        "genetic": lambda p: Optuna(p, "genetic", optuna),
    }
    grid = losses(_Within(problem(0)), problem(0), hardest, most)
    for seed in range(SEEDS):
        shuffled = np.random.default_rng(seed).permutation(np.array(sample)).tolist()
        curves = {"random": (shuffled, 0), "grid": (grid, 0)}
        curves |= {name: _run(make, problem(seed), hardest, most) for name, make in makers.items()}
        for name, (curve, probes) in curves.items():
            yield from (Entry(name, seed, goal, trials_to(curve, goal.loss), probes) for goal in goals)


def _run(make: Callable[[Problem], Strategy], problem: Problem, level: float, most: int) -> tuple[list[float], int]:
    """Losses of the trials, and the number of probes."""
    probed: set[Allocation] = set()

    def probe(allocation: Allocation) -> float:
        probed.add(allocation)
        return problem.probe(allocation)

    strategy = make(replace(problem, probe=probe))
    curve = losses(strategy, problem, level, most)
    if isinstance(strategy, Optuna):
        strategy.close()
    return curve, len(probed)


class _Within(Exhaustive):
    """The allocations of a grid that are within the budgets."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._problem = problem

    def ask(self, count: int) -> list[Allocation]:
        while asked := super().ask(1):
            if not self._problem.budgets.over_cost(self._problem.cost(asked[0])):
                return asked
        return []
