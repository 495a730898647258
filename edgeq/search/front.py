"""The Pareto front: trials that none other beats in everything."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgeq.search.trial import Cost, Outcome, Trial


def objectives(outcome: Outcome) -> tuple[float, ...]:
    """What is minimized: (loss, flash, RAM, cycles)."""
    return (outcome.loss, *resources(outcome.cost))


def resources(cost: Cost) -> tuple[float, ...]:
    """(flash, RAM, cycles); cycles that are not known count as the most."""
    return (cost.flash, cost.ram, math.inf if cost.cycles is None else cost.cycles)


def pareto_front(trials: Sequence[Trial]) -> list[Trial]:
    """Trials that were evaluated on all samples and are not dominated, by loss; of equal ones the first."""
    finished = [trial for trial in trials if trial.outcome is not None and not trial.stopped]
    points = np.array([objectives(trial.outcome) for trial in finished if trial.outcome is not None])
    kept = [
        trial
        for index, trial in enumerate(finished)
        if not _beaten(points, index) and not (points[:index] == points[index]).all(axis=1).any()
    ]
    return sorted(kept, key=lambda trial: objectives(trial.outcome) if trial.outcome else ())


def _beaten(points: np.ndarray, index: int) -> bool:
    """Whether some point is nowhere worse and somewhere better."""
    others, point = points, points[index]
    return bool(((others <= point).all(axis=1) & (others < point).any(axis=1)).any())
