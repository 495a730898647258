"""Allocation as an integer program: least added loss within the budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from edgeq.search.effects import RESOURCES, UNKNOWN, Effects, cost_row, limits, measure_effects, scarcest
from edgeq.search.interactions import products, with_interactions
from edgeq.search.proposals import Proposer
from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem

RUNGS = 16
"""Limits that are tried where no resource is limited."""

TRIES = 64
"""Answers in a row whose exact cost is over the budgets: then there is none within."""


class Ilp(Proposer):
    """The integer program's answers, best first; where only the loss is limited, a bisection over what may be saved.

    Source: Hubara et al., "Accurate Post Training Quantization With Small Calibration Sets" (AdaQuant), ICML 2021,
    section 4, equations 8 to 10. The bisection and, if asked for, terms of neighbouring layers: Schaefer et al.,
    "Augmenting Hessians with Inter-Layer Dependencies for Mixed-Precision Post-Training Quantization",
    arXiv:2306.04879, sections 3.2 and 3.3.
    """

    def ideas(self) -> Iterator[Allocation]:
        effects = measure_effects(self.problem)
        if self.problem.inter_layer:
            effects = with_interactions(self.problem, effects)
        if np.isfinite(limits(self.problem.budgets)).any():
            yield from answers(self.problem, effects, limits(self.problem.budgets))
        else:
            yield from self._ladder(effects)

    def _ladder(self, effects: Effects) -> Iterator[Allocation]:
        """Halves the distance between the last saving whose loss was allowed and the first whose was not."""
        resource = scarcest(effects, self.problem.budgets)
        least = effects.base_cost[resource] + sum(table[:, resource].min() for table in effects.cost)
        low, high = 0.0, 1.0
        for _ in range(RUNGS):
            middle = (low + high) / 2
            limit = np.full(len(RESOURCES), np.inf)
            limit[resource] = effects.base_cost[resource] * (1 - middle) + least * middle
            answer = next(answers(self.problem, effects, limit), None)
            if answer is None:
                return
            yield answer
            low, high = (middle, high) if self._allowed(answer) else (low, middle)

    def _allowed(self, allocation: Allocation) -> bool:
        """Whether the loss is; what is not known yet counts as allowed, so that larger savings are tried."""
        drops = [t.outcome.drop for t in self.trials if t.allocation == allocation and t.outcome is not None]
        limit = self.problem.budgets.max_loss
        return limit is None or not drops or drops[0] <= limit


def answers(problem: Problem, effects: Effects, limit: np.ndarray) -> Iterator[Allocation]:
    """Allocations of exact cost within `limit`, by rising sum of their effects.

    Bytes of a few shared kernels and the arena do not add up: where the exact cost of an answer is over a limit, the
    limit is tightened by as much.

    Args:
        limit: (RESOURCES,).
    """
    rows: list[np.ndarray] = []
    tight, misses = limit.copy(), 0
    while misses < TRIES:
        found = solve(effects, tight, rows)
        if found is None:
            return
        rows.append(found)
        allocation = effects.space.decode(found)
        over = cost_row(problem.cost(allocation)) - limit
        if (over <= 0).all():
            misses = 0
            yield allocation
        else:
            misses += 1
            tight -= np.where(over > 0, np.minimum(over, 0.002 * limit), 0.0)


def solve(effects: Effects, limit: np.ndarray, barred: Sequence[np.ndarray]) -> np.ndarray | None:
    """Indices of the values that add the least loss within the limits, other than the barred ones: (knobs,).

    None where there are none. Variables are 1 where a value is chosen, one for each value of each knob.
    """
    loss, sizes = np.concatenate(effects.loss), [len(table) for table in effects.loss]
    starts = np.cumsum([0, *sizes])
    together = products(effects.pairs, starts, len(loss))
    one_each = np.repeat(np.eye(len(sizes)), sizes, axis=1)
    rows = [(one_each, 1, 1), *_within(effects, limit)]
    if barred:
        chosen = np.zeros((len(barred), len(loss)))
        for row, indices in zip(chosen, barred, strict=True):
            row[starts[:-1] + indices] = 1
        rows.append((chosen, -np.inf, len(sizes) - 1))
    constraints = [LinearConstraint(np.pad(row, ((0, 0), (0, len(together.loss)))), *ends) for row, *ends in rows]
    possible = np.isfinite(loss) & _known(effects).all(axis=1)
    finite = np.concatenate([np.where(possible, loss, 0.0), together.loss])
    bounds = Bounds(0, np.concatenate([possible, np.ones(len(together.loss))]))
    integers = np.concatenate([np.ones(len(loss)), np.zeros(len(together.loss))])
    scaled, limited = finite / max(np.abs(finite).max(), 1e-12), [*constraints, *together.constraints]
    found = milp(scaled, constraints=limited, integrality=integers, bounds=bounds)
    return None if found.x is None else np.array([np.argmax(p) for p in np.split(found.x[: len(loss)], starts[1:-1])])


def _known(effects: Effects) -> np.ndarray:
    """Which costs of choices are known: (choices, RESOURCES)."""
    return np.concatenate(effects.cost) < UNKNOWN / 2


def _within(effects: Effects, limit: np.ndarray) -> list[tuple[np.ndarray, Any, Any]]:
    """(Rows, least, most) of the limited resources, each in units of its largest effect."""
    cost, limited = np.where(_known(effects), np.concatenate(effects.cost), 0.0), np.isfinite(limit)
    if not limited.any():
        return []
    unit = np.maximum(np.abs(cost[:, limited]).max(axis=0), 1.0)
    return [(cost[:, limited].T / unit[:, None], -np.inf, (limit - effects.base_cost)[limited] / unit)]
