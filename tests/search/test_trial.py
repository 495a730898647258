"""Budgets, outcomes and the Pareto front."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from edgeq.search.front import objectives, pareto_front
from edgeq.search.space import Allocation
from edgeq.search.trial import Budgets, Cost, Outcome, Trial

SMALL = st.integers(1, 4)
COSTS = st.builds(Cost, SMALL, SMALL, SMALL, SMALL | st.none())
OUTCOMES = st.builds(Outcome, COSTS, SMALL.map(float), SMALL.map(float), st.just(10))


def trials_of(outcomes: list[Outcome]) -> list[Trial]:
    return [Trial(number, Allocation((("knob", number),)), outcome) for number, outcome in enumerate(outcomes)]


def test_budgets_say_what_is_over_and_by_how_much() -> None:
    budgets = Budgets(max_flash=100, max_ram=50, max_loss=0.01)
    outcome = Outcome(Cost(flash=130, weights=90, ram=50), loss=0.2, drop=0.02, samples=10)
    assert budgets.over(outcome) == {"max_flash": 30, "max_loss": 0.01}
    assert budgets.excess(budgets.over(outcome)) == 0.3 + 1.0
    assert budgets.given == {"max_flash": 100, "max_ram": 50, "max_loss": 0.01}


def test_unknown_cycles_are_over_every_budget_of_cycles() -> None:
    assert Budgets(max_cycles=1).over_cost(Cost(1, 1, 1)) == {"max_cycles": math.inf}
    assert Budgets(max_flash=1).over_cost(Cost(1, 1, 1)) == {}


@given(OUTCOMES)
def test_an_outcome_survives_json(outcome: Outcome) -> None:
    assert Outcome.from_dict(json.loads(json.dumps(outcome.to_dict()))) == outcome


@given(st.lists(OUTCOMES, max_size=8))
def test_the_front_holds_what_nothing_dominates(outcomes: list[Outcome]) -> None:
    front = [objectives(trial.outcome) for trial in pareto_front(trials_of(outcomes)) if trial.outcome]
    points = {objectives(outcome) for outcome in outcomes}

    def dominated(point: tuple[float, ...]) -> bool:
        return any(other != point and all(a <= b for a, b in zip(other, point, strict=True)) for other in points)

    assert sorted(front) == sorted(point for point in points if not dominated(point))


def test_trials_that_were_stopped_or_failed_are_on_no_front() -> None:
    outcome = Outcome(Cost(1, 1, 1), 0.0, 0.0, 5)
    allocation = Allocation(())
    assert pareto_front([Trial(0, allocation, outcome, stopped=True), Trial(1, allocation, error="no")]) == []
