"""What a finished search amounts to: the front, the best trial within the budgets, or by how much all of them miss."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.search.trial import Budgets, Outcome, Trial


def best_trial(front: Sequence[Trial], budgets: Budgets) -> Trial | None:
    """The trial that loses least within the budgets or, where the loss has a budget, the one with the least flash.

    None where none is within them.
    """
    fitting = [trial for trial in front if trial.outcome is not None and not budgets.over(trial.outcome)]

    def order(trial: Trial) -> tuple[float, ...]:
        assert trial.outcome is not None
        pair = (trial.outcome.loss, float(trial.outcome.cost.flash))
        return pair if budgets.max_loss is None else pair[::-1]

    return min(fitting, key=order, default=None)


def nearest_trial(trials: Sequence[Trial], budgets: Budgets) -> Trial | None:
    """The trial that misses the budgets by the smallest share; None where there are no outcomes."""
    measured = [(trial, trial.outcome) for trial in trials if trial.outcome is not None]
    nearest = min(measured, key=lambda pair: budgets.excess(budgets.over(pair[1])), default=None)
    return None if nearest is None else nearest[0]


def explain(outcome: Outcome, budgets: Budgets) -> str:
    """Which budgets an outcome misses, and by how much."""
    return ", ".join(_missed(name, amount, budgets) for name, amount in budgets.over(outcome).items())


def _missed(name: str, amount: float, budgets: Budgets) -> str:
    option, limit = "--" + name.replace("_", "-"), budgets.given[name]
    if name == "max_loss":
        return f"{option} by {amount:.2%} (it allows {limit:.2%})"
    return f"{option} by {amount:,.0f} {'cycles' if name == 'max_cycles' else 'bytes'} (it allows {limit:,.0f})"
