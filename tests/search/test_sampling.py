"""The strategies that learn nothing, and how strategies are found by name."""

from __future__ import annotations

import pytest

from edgeq.errors import UsageError
from edgeq.search.space import Allocation, Knob, Space
from edgeq.search.strategy import STRATEGIES, Problem, make_strategy
from edgeq.search.trial import Budgets, Cost, Trial

SPACE = Space((Knob("scheme", ("asymmetric", "symmetric")), Knob("weight_bits", (8, 4, 2), "conv")))


def problem(seed: int = 0, *start: Allocation) -> Problem:
    return Problem(SPACE, Budgets(), lambda _: Cost(1, 1, 1), lambda _: 0.0, tuple, start, seed)


@pytest.mark.parametrize("name", ["random", "exhaustive"])
def test_every_allocation_comes_once_until_none_is_left(name: str) -> None:
    strategy = make_strategy(name, problem())
    known = Trial(0, SPACE.default())
    strategy.tell([known])
    asked = [allocation for _ in range(5) for allocation in strategy.ask(2)]
    assert sorted(asked, key=Allocation.to_json) == sorted(set(SPACE) - {known.allocation}, key=Allocation.to_json)
    assert strategy.ask(1) == []


def test_random_begins_with_what_is_worth_trying_first() -> None:
    first = SPACE.default().replace({"weight_bits:conv": 2})
    assert make_strategy("random", problem(3, first)).ask(1) == [first]


def test_random_repeats_itself_by_seed() -> None:
    one, same, other = (make_strategy("random", problem(seed)).ask(4) for seed in (1, 1, 2))
    assert one == same != other


def test_an_unknown_strategy_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"--strategy random"):
        make_strategy("randon", problem())


def test_every_strategy_of_the_table_can_be_made() -> None:
    for name in STRATEGIES:
        assert callable(make_strategy(name, problem()).ask)
