"""A search as its report shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeq.report.metrics import Accuracy
from edgeq.search.trial import Trial


def trial_counts(trials: Sequence[Trial]) -> dict[str, int]:
    """How many there are, how many of them were stopped as hopeless, and how many failed."""
    return {
        "count": len(trials),
        "stopped": sum(trial.stopped for trial in trials),
        "failed": sum(trial.outcome is None for trial in trials),
    }


def front_row(trial: Trial, held: Accuracy) -> dict[str, Any]:
    """A trial of the front.

    Args:
        held: On samples that no trial has seen.
    """
    outcome = trial.outcome
    assert outcome is not None
    return {
        "number": trial.number,
        "loss": outcome.loss,
        "drop": outcome.drop,
        "accuracy": held.to_dict(),
        "flash_bytes": outcome.cost.flash,
        "weight_bytes": outcome.cost.weights,
        "ram_bytes": outcome.cost.ram,
        "cycles": outcome.cost.cycles,
        "choices": dict(trial.allocation.choices),
    }
