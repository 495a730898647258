"""What two neighbouring layers lose together besides what each loses alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
from scipy.optimize import LinearConstraint
from scipy.sparse import coo_array, csr_array

from edgeq.search.effects import Effects, Pair
from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem


def with_interactions(problem: Problem, effects: Effects) -> Effects:
    """The effects with a term for each pair of layers with weights that follow each other, both narrower than usual.

    Source: Schaefer et al., "Augmenting Hessians with Inter-Layer Dependencies for Mixed-Precision Post-Training
    Quantization", arXiv:2306.04879, section 3.2: there for all pairs of layers, of which neighbours interact most.
    """
    wanted = list(_neighbours(problem, effects))
    problem.survey([both for *_, both in wanted], True)
    return replace(effects, pairs=tuple(_pair(problem, effects, *found) for found in wanted))


def _neighbours(problem: Problem, effects: Effects) -> Iterator[tuple[tuple[int, int], tuple[int, int], Allocation]]:
    """(Knob, value) of both layers, and the allocation that has both."""
    knobs = problem.space.knobs
    weights = [k for k, knob in enumerate(knobs) if knob.option == "weight_bits" and knob.layer]
    for one, other in pairwise(weights):
        for i, j in product(range(1, len(knobs[one].values)), range(1, len(knobs[other].values))):
            chosen = {knobs[one].name: knobs[one].values[i], knobs[other].name: knobs[other].values[j]}
            yield (one, i), (other, j), problem.space.default().replace(chosen)


def _pair(problem: Problem, effects: Effects, one: tuple[int, int], other: tuple[int, int], both: Allocation) -> Pair:
    alone = effects.loss[one[0]][one[1]] + effects.loss[other[0]][other[1]]
    return Pair(one, other, float(problem.probe(both) - effects.base_loss - alone))


@dataclass(frozen=True, eq=False)
class Products:
    """A variable for each pair, which is the product of two others that are 0 or 1.

    Attributes:
        loss: (pairs,).
        constraints: Over the other variables and then these.
    """

    loss: np.ndarray
    constraints: list[LinearConstraint]


def products(pairs: tuple[Pair, ...], starts: np.ndarray, variables: int) -> Products:
    """Linear constraints that make z = x y of binary x and y: z <= x, z <= y, z >= x + y - 1 (McCormick, 1976).

    Args:
        starts: First variable of each knob.
        variables: Number of those of the values of knobs.
    """
    if not pairs:
        return Products(np.zeros(0), [])
    count, each = len(pairs), np.arange(len(pairs))
    ends = [np.array([starts[k] + v for k, v in side]) for side in zip(*((p.one, p.other) for p in pairs), strict=True)]
    shape = count, variables + count
    z = csr_array((np.ones(count), (each, variables + each)), shape)
    x, y = (coo_array((np.ones(count), (each, end)), shape).tocsr() for end in ends)
    rows = [LinearConstraint(z - x, -np.inf, 0), LinearConstraint(z - y, -np.inf, 0)]
    return Products(np.array([p.loss for p in pairs]), [*rows, LinearConstraint(x + y - z, -np.inf, 1)])
