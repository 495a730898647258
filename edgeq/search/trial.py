"""What is known of an allocation after it was tried, and what a device allows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from edgeq.search.space import Allocation


@dataclass(frozen=True)
class Cost:
    """What an allocation takes of the device.

    Attributes:
        flash: Bytes of code, packed weights and other constants.
        weights: Bytes of packed weights, which `flash` includes.
        ram: Bytes of arena, inputs, outputs and stack.
        cycles: Estimate of one inference; None for targets without a model of time.
    """

    flash: int
    weights: int
    ram: int
    cycles: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a trial measured. Losses are against the float model, on the samples that the search may see.

    Attributes:
        cost: Of the allocation on the target.
        loss: Smooth: mean Kullback-Leibler divergence of the answers where they are classes, else noise-to-signal ratio
            (`edgeq.calibrate.prediction`).
        drop: What the metric loses: a share of 1 (0.005 is 0.5 percentage points).
        samples: So many samples are behind both; fewer than all where the trial was stopped as hopeless.
        seconds: Of work.
    """

    cost: Cost
    loss: float
    drop: float
    samples: int
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Outcome:
        """What `to_dict` gave."""
        return cls(**{**data, "cost": Cost(**data["cost"])})


@dataclass(frozen=True)
class Trial:
    """One allocation that a study tried.

    Attributes:
        number: In the study, from 0.
        outcome: None where it failed.
        stopped: The trial was hopeless and not evaluated on all samples.
        error: Why it failed.
    """

    number: int
    allocation: Allocation
    outcome: Outcome | None = None
    stopped: bool = False
    error: str | None = None


@dataclass(frozen=True)
class Budgets:
    """What the user allows; None where there is no limit.

    Attributes:
        max_flash, max_weights, max_ram: Bytes.
        max_cycles: Per inference, estimated.
        max_loss: Greatest `Outcome.drop`.
    """

    max_flash: int | None = None
    max_weights: int | None = None
    max_ram: int | None = None
    max_cycles: float | None = None
    max_loss: float | None = None

    def over_cost(self, cost: Cost) -> dict[str, float]:
        """By how much a cost is over each budget that it does not meet, by the budget's name: bytes, or cycles.

        Cycles that are not known are over every budget.
        """
        cycles = math.inf if cost.cycles is None else cost.cycles
        return self._over({"flash": cost.flash, "weights": cost.weights, "ram": cost.ram, "cycles": cycles})

    def over(self, outcome: Outcome) -> dict[str, float]:
        """`over_cost`, and `max_loss` as a share of 1."""
        return self.over_cost(outcome.cost) | self._over({"loss": outcome.drop})

    def _over(self, used: dict[str, float]) -> dict[str, float]:
        limits = {name: (getattr(self, f"max_{name}"), value) for name, value in used.items()}
        return {
            f"max_{name}": value - limit
            for name, (limit, value) in limits.items()
            if limit is not None and value > limit
        }

    def excess(self, over: dict[str, float]) -> float:
        """How far from feasible: the sum of what is over, each as a share of its budget. 0 where all are met."""
        return sum(amount / max(getattr(self, name), 1e-9) for name, amount in over.items())

    @property
    def limit_cost(self) -> bool:
        """Whether any of them is a limit of the device, and not of the loss."""
        return bool(self.given.keys() - {"max_loss"})

    @property
    def given(self) -> dict[str, float]:
        """The limits that are set, by name."""
        return {f.name: limit for f in fields(self) if (limit := getattr(self, f.name)) is not None}
