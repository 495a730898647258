"""What each choice changes by itself: the tables that solvers add up."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from itertools import chain, compress

import numpy as np

from edgeq.search.space import Allocation, Knob, Space
from edgeq.search.strategy import Problem
from edgeq.search.trial import Budgets, Cost

RESOURCES = ("flash", "weights", "ram", "cycles")
"""Columns of cost tables."""

UNKNOWN = 1e15
"""Cycles of an allocation whose time is not known: over every budget, and in differences still a number."""


@dataclass(frozen=True)
class Pair:
    """Two choices, as (knob, value), and what both together add to the loss besides what each adds alone."""

    one: tuple[int, int]
    other: tuple[int, int]
    loss: float


@dataclass(frozen=True, eq=False)
class Effects:
    """Loss and cost of every choice, as differences from the default allocation, where all other knobs stay.

    Second-order theory has losses of small independent perturbations add up (Dong et al., "HAWQ-V2", NeurIPS 2020,
    section 3.1; Hubara et al., "AdaQuant", ICML 2021, section 4, equation 9); bytes and cycles of layers do so, but for
    kernels that layers share and for the arena.

    Attributes:
        loss: Per knob, (values,): what it adds to the loss, never negative; infinite where it was not measured.
        cost: Per knob, (values, RESOURCES).
        base_loss, base_cost: Of the default allocation.
        pairs: Of choices that do not just add up, where these were measured.
    """

    space: Space
    loss: tuple[np.ndarray, ...]
    cost: tuple[np.ndarray, ...]
    base_loss: float
    base_cost: np.ndarray
    pairs: tuple[Pair, ...] = ()

    def total_loss(self, indices: np.ndarray) -> np.ndarray:
        """Predicted loss of allocations: (allocations,) from (allocations, knobs); unmeasured choices add nothing."""
        parts = [np.where(np.isfinite(t), t, 0.0)[indices[:, k]] for k, t in enumerate(self.loss)]
        together = [
            p.loss * ((indices[:, p.one[0]] == p.one[1]) & (indices[:, p.other[0]] == p.other[1])) for p in self.pairs
        ]
        return self.base_loss + np.sum(parts + together, axis=0)

    def total_cost(self, indices: np.ndarray) -> np.ndarray:
        """Predicted cost of allocations: (allocations, RESOURCES)."""
        return self.base_cost + np.sum([table[indices[:, k]] for k, table in enumerate(self.cost)], axis=0)


def measure_effects(problem: Problem) -> Effects:
    """Probes every choice of every single layer; what concerns the whole model stays at the default.

    Such a choice would take as long as a trial, and its effects do not add up.
    """
    default, costs = problem.space.default(), measure_costs(problem)
    singles = [[default.replace({knob.name: value}) for value in knob.values[1:]] for knob in problem.space.knobs]
    layers = [bool(knob.layer) for knob in problem.space.knobs]
    problem.survey([default, *chain(*compress(singles, layers))], True)
    base_loss = problem.probe(default)
    losses = [
        np.array([0.0, *(_added(problem, a, base_loss) if layer else np.inf for a in single)])
        for single, layer in zip(singles, layers, strict=True)
    ]
    return Effects(problem.space, tuple(losses), costs, base_loss, cost_row(problem.cost(default)))


def measure_costs(problem: Problem) -> tuple[np.ndarray, ...]:
    """What every choice adds to the cost of the default allocation: per knob, (values, RESOURCES)."""
    default = problem.space.default()
    problem.survey([default, *problem.space.neighbours(default)], False)
    base = cost_row(problem.cost(default))

    def added(knob: Knob) -> np.ndarray:
        singles = (default.replace({knob.name: value}) for value in knob.values)
        return np.array([cost_row(problem.cost(single)) - base for single in singles])

    return tuple(added(knob) for knob in problem.space.knobs)


def _added(problem: Problem, allocation: Allocation, base_loss: float) -> float:
    return max(problem.probe(allocation) - base_loss, 0.0)


def cost_row(cost: Cost) -> np.ndarray:
    """A cost as a row of the tables: float, (RESOURCES,); an unknown time counts as `UNKNOWN`."""
    return np.array([UNKNOWN if value is None else value for value in astuple(cost)], float)


def limits(budgets: Budgets) -> np.ndarray:
    """The greatest cost that budgets allow, infinite where there is no limit: (RESOURCES,)."""
    return np.array([budgets.given.get(f"max_{name}", np.inf) for name in RESOURCES], float)


def scarcest(effects: Effects, budgets: Budgets) -> int:
    """The resource whose budget the default exceeds by the largest factor; packed weights where nothing is limited."""
    given = limits(budgets)
    if not np.isfinite(given).any():
        return RESOURCES.index("weights")
    return int(np.argmax(effects.base_cost / given))
