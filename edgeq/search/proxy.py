"""Allocation by training-free proxies, and how well each of them ranks what was measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import spearmanr

from edgeq.search.effects import Effects, cost_row, limits, measure_costs
from edgeq.search.ilp import answers
from edgeq.search.proposals import Proposer
from edgeq.search.proxies import PROXIES, Proxy
from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem

ENOUGH = 9
"""Trials from which on the proxy that ranks them best makes all proposals."""


class ProxySearch(Proposer):
    """The integer program over a proxy's scores in place of probed losses: nothing is measured before the first trial.

    The proxies take turns; once there are trials to compare with, the one of the largest rank correlation goes on.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._tables: dict[str, Effects] = {}

    def ideas(self) -> Iterator[Allocation]:
        self._tables = score_tables(self.problem)
        limit = limits(self.problem.budgets)
        streams = {name: answers(self.problem, table, limit) for name, table in self._tables.items()}
        while streams:
            for name in self._turn(list(streams)):
                answer = next(streams[name], None)
                if answer is None:
                    del streams[name]
                else:
                    yield answer

    def _turn(self, names: list[str]) -> list[str]:
        """The proxies that propose next: all, or the best one."""
        found = self.correlations()
        if not found or len(self.trials) < ENOUGH:
            return names
        return [max(names, key=lambda name: found.get(name, -1.0))]

    def correlations(self) -> dict[str, float]:
        """Spearman's rank correlation of each proxy's score to the measured loss; none without enough trials."""
        done = [(t.allocation, t.outcome.loss) for t in self.trials if t.outcome is not None and not t.stopped]
        if len(done) < 3 or not self._tables:
            return {}
        indices = np.array([self.problem.space.encode(allocation) for allocation, _ in done])
        losses = [loss for _, loss in done]
        ranked = {name: spearmanr(table.total_loss(indices), losses) for name, table in self._tables.items()}
        return {name: float(result.statistic) for name, result in ranked.items() if np.isfinite(result.statistic)}

    def notes(self) -> list[str]:
        return [f"proxy {name}: rank correlation to the loss {r:+.2f}" for name, r in self.correlations().items()]


def score_tables(problem: Problem) -> dict[str, Effects]:
    """Each proxy's scores of every choice, with the costs of the choices."""
    costs, base = measure_costs(problem), cost_row(problem.cost(problem.space.default()))
    tables = {name: _scores(problem, proxy) for name, proxy in PROXIES.items()}
    return {name: Effects(problem.space, losses, costs, 0.0, base) for name, losses in tables.items()}


def _scores(problem: Problem, proxy: Proxy) -> tuple[np.ndarray, ...]:
    """Differences from the default value's score, per knob: (values,); infinite for knobs that are no layer's."""
    layers = {layer.name: layer for layer in problem.layers()}
    tables = []
    for knob in problem.space.knobs:
        if knob.layer not in layers:
            tables.append(np.array([0.0, *[np.inf] * (len(knob.values) - 1)]))
            continue
        scores = np.array([proxy(layers[knob.layer], knob, int(bits)) for bits in knob.values])
        tables.append(np.maximum(scores - scores[0], 0.0))
    return tuple(tables)
