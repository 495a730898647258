"""A made-up network whose losses are known exactly: single effects that add up, and an interaction of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeq.search.space import Allocation, Knob, Space
from edgeq.search.strategy import Layer, Problem, Strategy
from edgeq.search.trial import Budgets, Cost, Outcome, Trial

WIDTHS = (8, 4, 2)


@dataclass(frozen=True)
class Network:
    """Layers of random size and sensitivity.

    Attributes:
        interaction: Share of the geometric mean of two neighbours' losses that both together add.
    """

    layers: int = 6
    seed: int = 0
    interaction: float = 0.0

    @property
    def space(self) -> Space:
        return Space(tuple(Knob("weight_bits", WIDTHS, f"conv{i}") for i in range(self.layers)))

    @property
    def sizes(self) -> np.ndarray:
        """Weights of each layer."""
        return np.random.default_rng(self.seed).integers(100, 5000, self.layers)

    def cost(self, allocation: Allocation) -> Cost:
        """Exact: packed bytes, a fixed rest, cycles."""
        bits = np.array(list(allocation.layers("weight_bits").values()), float)
        weights = int((self.sizes * bits / 8).sum())
        return Cost(weights + 3000, weights, 1000, float((self.sizes * (12 - bits)).sum()))

    def loss(self, allocation: Allocation) -> float:
        """Of both samples that searches see and those of probes."""
        rng = np.random.default_rng(self.seed + 1)
        table = np.column_stack((np.zeros(self.layers), np.sort(rng.exponential(0.1, (self.layers, 2)), axis=1)))
        single = table[np.arange(self.layers), self.space.encode(allocation)]
        return float(0.01 + single.sum() + self.interaction * np.sqrt(single[1:] * single[:-1]).sum())

    def facts(self) -> Sequence[Layer]:
        """Random weights and activations."""
        rng = np.random.default_rng(self.seed + 2)
        return [
            Layer(
                f"conv{i}",
                "Conv",
                int(n),
                rng.normal(size=(4, int(n) // 4)),
                rng.normal(size=(2, 9)),
                rng.normal(size=(2, 9)),
            )
            for i, n in enumerate(self.sizes)
        ]

    def problem(self, budgets: Budgets, seed: int = 0) -> Problem:
        return Problem(self.space, budgets, self.cost, self.loss, self.facts, (), seed)

    def outcome(self, allocation: Allocation) -> Outcome:
        loss = self.loss(allocation)
        return Outcome(self.cost(allocation), loss, drop=loss / 10, samples=100)

    @property
    def half(self) -> Budgets:
        """Half of the default's packed weights."""
        return Budgets(max_weights=int(self.sizes.sum()) // 2)

    def best_loss(self, budgets: Budgets) -> float:
        """By looking at all allocations."""
        return min(self.loss(a) for a in self.space if not budgets.over_cost(self.cost(a)))


def run(strategy: Strategy, network: Network, trials: int, batch: int = 4) -> list[Trial]:
    """A search: asks, tries, tells."""
    done: list[Trial] = []
    while len(done) < trials:
        asked = strategy.ask(min(batch, trials - len(done)))
        if not asked:
            break
        told = [Trial(len(done) + i, allocation, network.outcome(allocation)) for i, allocation in enumerate(asked)]
        strategy.tell(told)
        done += told
    return done
