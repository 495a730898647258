"""Search by predicted loss: gradient-boosted trees choose among many candidates the few that are tried."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import numpy as np
from xgboost import Booster

from edgeq.search.effects import Effects, limits, measure_effects, scarcest
from edgeq.search.features import Features
from edgeq.search.ilp import answers
from edgeq.search.mutation import Mutation
from edgeq.search.pareto import frontier_of, halving
from edgeq.search.proposals import Proposer
from edgeq.search.proxy import score_tables
from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem
from edgeq.search.surrogate import Surrogate, load_prior

STARTS = 4
"""Answers of the integer program that are tried first, or points of the frontier where no cost is limited."""

FEW = 4096
"""Allocations of a space that is looked through as a whole."""

PARENTS, CHILDREN, STRANGERS = 6, 40, 60
"""Of larger spaces: the best trials, mutations of each, and random allocations, all within the budgets."""

RATES = (0.1, 10.0)
"""How much loss (its logarithm) a saved share of the scarcest resource is worth, where no cost is limited."""


class Boosted(Proposer):
    """Each proposal minimizes the loss that another member of an ensemble predicts: an exploring batch.

    Where no cost is limited, proposals trade loss against the scarcest resource, each at a rate of its own (Knowles,
    "ParEGO", IEEE Transactions on Evolutionary Computation 10, 2006, section III).

    Args:
        prior: What trials of other models taught; None takes what ships with edgeq.
    """

    def __init__(self, problem: Problem, prior: Booster | None = None) -> None:
        super().__init__(problem)
        self._prior = prior or load_prior()
        self._rng = np.random.default_rng(problem.seed)

    def ideas(self) -> Iterator[Allocation]:
        if self.problem.budgets.limit_cost:
            self.problem.survey(self.problem.start, False)
        yield from filter(self.feasible, self.problem.start)
        yield from self._unprobed()
        effects, mutation = measure_effects(self.problem), Mutation(self.problem)
        surrogate = Surrogate(Features(self.problem, effects), self._prior, self.problem.seed)
        yield from self._starts(effects)
        fitted = 0
        for turn in count():
            done = [t for t in self.trials if t.outcome is not None and not t.stopped]
            if len(done) > fitted:
                indices = np.array([self.problem.space.encode(t.allocation) for t in done])
                surrogate.fit(indices, np.array([t.outcome.loss for t in done if t.outcome is not None]))
                fitted = len(done)
            best = self._most_promising(surrogate, effects, self._candidates(mutation), turn)
            if best is None:
                return
            yield best

    def _unprobed(self) -> Iterator[Allocation]:
        """The best answer of each training-free proxy: these are often good, and nothing is measured for them."""
        limit = limits(self.problem.budgets)
        if np.isfinite(limit).any():
            for table in score_tables(self.problem).values():
                yield from islice(answers(self.problem, table, limit), 1)

    def _starts(self, effects: Effects) -> Iterator[Allocation]:
        limit = limits(self.problem.budgets)
        if np.isfinite(limit).any():
            yield from islice(answers(self.problem, effects, limit), STARTS)
        else:
            frontier = frontier_of(effects, scarcest(effects, self.problem.budgets)).indices
            yield from (effects.space.decode(frontier[i]) for i in halving(len(frontier))[:STARTS])

    def _most_promising(
        self, surrogate: Surrogate, effects: Effects, candidates: np.ndarray, turn: int
    ) -> Allocation | None:
        """The candidate of least predicted loss whose exact cost is within the budgets."""
        if not len(candidates):
            return None
        predicted = surrogate.predict(candidates)
        score = predicted[turn % len(predicted)]
        if not np.isfinite(limits(self.problem.budgets)).any():
            resource = scarcest(effects, self.problem.budgets)
            share = effects.total_cost(candidates)[:, resource] / max(effects.base_cost[resource], 1.0)
            score = score + np.exp(self._rng.uniform(*np.log(RATES))) * share
        ordered = (self.problem.space.decode(candidates[i]) for i in np.argsort(score, kind="stable"))
        return next((allocation for allocation in ordered if self.feasible(allocation)), None)

    def _candidates(self, mutation: Mutation) -> np.ndarray:
        """Unknown allocations: (candidates, knobs)."""
        space, rng = self.problem.space, self._rng
        if space.size <= FEW:
            found = [space.encode(allocation) for allocation in space]
        else:
            parents = [space.encode(allocation) for allocation in self.best(PARENTS)]
            drawn = [mutation.child(parent, rng) for parent in parents for _ in range(CHILDREN)]
            drawn += [mutation.stranger(rng) for _ in range(STRANGERS)]
            found = [indices for indices in drawn if indices is not None]
        unique = {space.decode(indices): indices for indices in found}
        return np.array([indices for allocation, indices in unique.items() if allocation not in self.known])
