"""What strategies share: proposing each allocation once, and the best of the trials told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice

from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem
from edgeq.search.trial import Trial


class Proposer(ABC):
    """A strategy that draws from a stream of ideas, whatever was known before left out.

    Subclasses give `ideas`, which may look at `self.trials` each time it goes on. A stream ends a search by ending.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.trials: list[Trial] = []
        self.known: set[Allocation] = set()
        self._stream = self._new()

    @abstractmethod
    def ideas(self) -> Iterator[Allocation]:
        """Allocations to try, in order; may repeat known ones."""

    def ask(self, count: int) -> list[Allocation]:
        return list(islice(self._stream, count))

    def tell(self, trials: Sequence[Trial]) -> None:
        self.trials += trials
        self.known.update(trial.allocation for trial in trials)

    def notes(self) -> list[str]:
        return []

    def _new(self) -> Iterator[Allocation]:
        for allocation in self.ideas():
            if allocation not in self.known:
                self.known.add(allocation)
                yield allocation

    def feasible(self, allocation: Allocation) -> bool:
        """Whether the allocation's exact cost is within the budgets."""
        budgets = self.problem.budgets
        return not budgets.limit_cost or not budgets.over_cost(self.problem.cost(allocation))

    def best(self, count: int) -> list[Allocation]:
        """The allocations of the told trials that came nearest to the budgets, those of least loss first."""
        budgets = self.problem.budgets
        done = [
            (budgets.excess(budgets.over_cost(t.outcome.cost)), t.outcome.loss, t.number, t.allocation)
            for t in self.trials
            if t.outcome is not None and not t.stopped
        ]
        return [allocation for *_, allocation in sorted(done, key=lambda row: row[:3])[:count]]
