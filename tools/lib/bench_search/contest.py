"""Strategies on one problem, each with many seeds: what each trial lost."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from xgboost import Booster

from bench_search.peers import Optuna, Peer
from bench_search.race import losses
from edgeq.search.boosted import Boosted
from edgeq.search.sampling import Exhaustive
from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem, Strategy

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
class Run:
    """A strategy on a problem with one seed.

    Attributes:
        losses: Of its trials, one after the other.
        probes: Losses that it looked at besides, on fewer samples in a real search.
    """

    strategy: str
    seed: int
    losses: list[float]
    probes: int


def levels(sample: Sequence[float], ranks: Sequence[int], *fixed: float) -> list[Level]:
    """The losses that so many of a random sample reach, and others, with the shares of the sample that reach them."""
    wanted = (*(sorted(sample)[rank - 1] for rank in ranks), *fixed)
    return [Level(loss, sum(other <= loss for other in sample) / len(sample)) for loss in wanted]


def contest(
    problem: Callable[[int], Problem],
    sample: Sequence[float],
    goal: float,
    prior: Booster,
    most: int,
    peer: Peer,
    known: Container[tuple[str, int]],
) -> Iterator[Run]:
    """All strategies on a problem, until each reaches a loss.

    Args:
        problem: By seed.
        sample: Losses of random allocations within the budgets: random search is to shuffle them.
        goal: The loss.
        prior: That of xgboost, from trials on other models.
        most: Trials after which a strategy gives up.
        peer: Runs the samplers of Optuna.
        known: Strategies and seeds that are left out.
    """
    makers: dict[str, Callable[[Problem], Strategy]] = {
        "grid": _Within,
        "xgboost": lambda p: Boosted(p, prior),
        "tpe": lambda p: Optuna(p, "tpe", peer),
        "genetic": lambda p: Optuna(p, "genetic", peer),
    }
    for seed in range(SEEDS):
        shuffled = np.random.default_rng(seed).permutation(np.array(sample)).tolist()
        if ("random", seed) not in known:
            yield Run("random", seed, shuffled, 0)
    for name, make in makers.items():
        for seed in range(1 if name == "grid" else SEEDS):
            if (name, seed) not in known:
                yield Run(name, seed, *_run(make, problem(seed), goal, most))


def _run(make: Callable[[Problem], Strategy], problem: Problem, level: float, most: int) -> tuple[list[float], int]:
    """Losses of the trials, and the number of probes."""
    probed: set[Allocation] = set()

    def probe(allocation: Allocation) -> float:
        probed.add(allocation)
        return problem.probe(allocation)

    strategy = make(replace(problem, probe=probe))
    return losses(strategy, problem, level, most), len(probed)


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
