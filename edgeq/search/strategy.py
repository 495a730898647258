"""How a search decides what to try next: the interface of all strategies, and the table of their names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

import numpy as np

from edgeq.errors import UsageError
from edgeq.search.space import Allocation, Space
from edgeq.search.trial import Budgets, Cost, Trial


@dataclass(frozen=True, eq=False)
class Layer:
    """What a strategy may know of a layer without trying anything.

    Attributes:
        name: Of its node, as in `Knob.layer`.
        op_type: Of ONNX.
        macs: Multiply-accumulates of one inference.
        weight: Float, output channels first; None for operators without.
        inputs: Float inputs of the layer on a few samples, (samples, ...); outputs likewise.
    """

    name: str
    op_type: str
    macs: int
    weight: np.ndarray | None
    inputs: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True, eq=False)
class Problem:
    """All that a strategy is given.

    Attributes:
        space: What it chooses among.
        budgets: What its choices should meet.
        cost: Of an allocation on the target: exact and cheap, nothing is run.
        probe: `Outcome.loss` of an allocation on calibration samples: sensitivities come from allocations that differ
            from the default in one knob. Remembered; no trial.
        layers: Facts about the layers, in the model's order. A function, because not every strategy needs them.
        start: Allocations worth trying first.
        seed: Of everything random.
        survey: Told which allocations are about to be costed, and whether they will be probed, too; it may do so side
            by side.
        inter_layer: Let the integer program count what neighbouring layers lose together: many more probes.
    """

    space: Space
    budgets: Budgets
    cost: Callable[[Allocation], Cost]
    probe: Callable[[Allocation], float]
    layers: Callable[[], Sequence[Layer]]
    start: tuple[Allocation, ...] = field(default=())
    seed: int = 0
    survey: Callable[[Sequence[Allocation], bool], None] = lambda allocations, probed: None
    inter_layer: bool = False


class Strategy(Protocol):
    """A class that is made from a `Problem`; it is told of every trial, also of those that others asked for."""

    def __init__(self, problem: Problem) -> None: ...

    def ask(self, count: int) -> list[Allocation]:
        """Up to `count` allocations, none asked for or told before; none where it has no more to propose."""
        ...

    def tell(self, trials: Sequence[Trial]) -> None:
        """New trials, finished or failed."""
        ...

    def notes(self) -> list[str]:
        """What the search found out besides, a sentence each, for people."""
        ...


STRATEGIES = {
    "xgboost": "edgeq.search.boosted:Boosted",
    "ilp": "edgeq.search.ilp:Ilp",
    "pareto": "edgeq.search.pareto:Pareto",
    "greedy": "edgeq.search.greedy:Greedy",
    "evolution": "edgeq.search.evolution:Evolution",
    "proxy": "edgeq.search.proxy:ProxySearch",
    "random": "edgeq.search.sampling:Random",
    "exhaustive": "edgeq.search.sampling:Exhaustive",
}
"""Where each strategy is; a strategy is imported when it is used."""


def make_strategy(name: str, problem: Problem) -> Strategy:
    """The strategy of this name for a problem.

    Raises:
        UsageError: There is none of this name.
    """
    if name not in STRATEGIES:
        near = difflib.get_close_matches(name, STRATEGIES, n=1, cutoff=0.0)[0]
        raise UsageError(f"there is no strategy {name!r}; known are {', '.join(STRATEGIES)}", fix=f"--strategy {near}")
    module, kind = STRATEGIES[name].split(":")
    strategy: Strategy = getattr(import_module(module), kind)(problem)
    return strategy
