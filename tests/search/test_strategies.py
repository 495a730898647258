"""Strategies find good allocations of a network whose losses are known, within its budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from search.networks import Network, run

from edgeq.search.effects import RESOURCES, limits, measure_effects
from edgeq.search.greedy import steps
from edgeq.search.ilp import Ilp, answers
from edgeq.search.interactions import with_interactions
from edgeq.search.pareto import frontier_of, halving
from edgeq.search.proxy import ProxySearch, score_tables
from edgeq.search.space import Allocation
from edgeq.search.strategy import STRATEGIES, make_strategy
from edgeq.search.trial import Budgets, Cost

WEIGHTS = RESOURCES.index("weights")
UNINFORMED = ("random", "exhaustive")
INFORMED = tuple(name for name in STRATEGIES if name not in UNINFORMED)


@pytest.mark.parametrize("name", INFORMED)
@pytest.mark.parametrize("seed", [0, 1])
def test_proposals_are_new_within_the_budgets_and_better_than_chance(name: str, seed: int) -> None:
    network = Network(layers=5, seed=seed, interaction=0.3)
    done = run(make_strategy(name, network.problem(network.half, seed)), network, 16)
    assert len({trial.allocation for trial in done}) == len(done)
    assert not any(network.half.over_cost(network.cost(trial.allocation)) for trial in done)
    chance = sorted(network.loss(a) for a in network.space if not network.half.over_cost(network.cost(a)))
    assert min(network.loss(trial.allocation) for trial in done) <= chance[len(chance) // 8]


@pytest.mark.parametrize("name", INFORMED)
def test_told_allocations_are_not_proposed(name: str) -> None:
    network = Network(layers=3)
    first = run(make_strategy(name, network.problem(network.half)), network, 3)
    again = make_strategy(name, network.problem(network.half))
    again.tell(first)
    assert not {trial.allocation for trial in first} & set(again.ask(3))


@pytest.mark.parametrize("name", ["xgboost", "evolution"])
def test_what_is_worth_trying_first_comes_first_if_the_budgets_allow_it(name: str) -> None:
    network = Network(layers=3)
    narrow = network.space.default().replace(dict.fromkeys(network.space.names, 2))
    problem = replace(network.problem(network.half), start=(network.space.default(), narrow))
    assert make_strategy(name, problem).ask(1) == [narrow]


@pytest.mark.parametrize("name", INFORMED)
def test_choices_of_unknown_time_are_not_proposed_where_time_is_limited(name: str) -> None:
    """They would seem to take none, and to make room for all others."""
    network = Network(layers=4)
    most = (network.cost(network.space.default()).cycles or 0) * 1.3

    def cost(allocation: Allocation) -> Cost:
        known = network.cost(allocation)
        return replace(known, cycles=None) if 4 in allocation.layers("weight_bits").values() else known

    problem = replace(network.problem(Budgets(max_cycles=most)), cost=cost)
    asked = make_strategy(name, problem).ask(6)
    assert asked
    assert all((cost(allocation).cycles or np.inf) <= most for allocation in asked)


@pytest.mark.parametrize("name", INFORMED)
def test_a_budget_that_nothing_meets_gives_no_proposal(name: str) -> None:
    network = Network(layers=3)
    assert make_strategy(name, network.problem(Budgets(max_weights=1))).ask(4) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_integer_program_lists_the_best_allocations_in_order(seed: int) -> None:
    network = Network(layers=4, seed=seed)
    asked = Ilp(network.problem(network.half)).ask(5)
    within = [network.loss(a) for a in network.space if not network.half.over_cost(network.cost(a))]
    assert np.allclose([network.loss(a) for a in asked], sorted(within)[:5])


@pytest.mark.parametrize("seed", range(4))
def test_with_terms_of_neighbours_the_integer_program_is_exact_where_neighbours_interact(seed: int) -> None:
    network = Network(layers=4, seed=seed, interaction=-0.9 if seed % 2 else 2.0)
    within = sorted(network.loss(a) for a in network.space if not network.half.over_cost(network.cost(a)))
    exact = Ilp(replace(network.problem(network.half), inter_layer=True)).ask(5)
    assert np.allclose([network.loss(a) for a in exact], within[:5])


def test_terms_of_neighbours_predict_the_loss() -> None:
    network = Network(layers=3, interaction=0.8)
    problem = network.problem(network.half)
    effects = with_interactions(problem, measure_effects(problem))
    everything = np.array([network.space.encode(allocation) for allocation in network.space])
    assert np.allclose(effects.total_loss(everything), [network.loss(a) for a in network.space])


def test_the_integer_program_tightens_limits_where_bytes_do_not_add_up() -> None:
    network = Network(layers=5)
    problem = network.problem(Budgets())
    effects = measure_effects(problem)
    limit = np.full(len(RESOURCES), np.inf)
    limit[WEIGHTS] = effects.base_cost[WEIGHTS] / 2
    hopeful = replace(effects, cost=tuple(1.05 * table for table in effects.cost))
    for allocation, _ in zip(answers(problem, hopeful, limit), range(3), strict=False):
        assert network.cost(allocation).weights <= limit[WEIGHTS]


def test_without_a_limit_of_cost_the_integer_program_halves_towards_the_allowed_loss() -> None:
    network = Network(seed=3)
    allowed = Budgets(max_loss=0.02)
    done = run(Ilp(network.problem(allowed)), network, 12, batch=1)
    kept = [trial for trial in done if trial.outcome.drop <= 0.02]
    within = [a for a in network.space if network.outcome(a).drop <= 0.02]
    least = min(network.cost(a).weights for a in within)
    assert min(trial.outcome.cost.weights for trial in kept) <= 1.1 * least


@pytest.mark.parametrize("seed", range(3))
def test_the_frontier_is_that_of_all_allocations(seed: int) -> None:
    network = Network(layers=4, seed=seed)
    frontier = frontier_of(measure_effects(network.problem(Budgets())), WEIGHTS)
    points = [(network.cost(a).weights, network.loss(a)) for a in network.space]
    for indices in frontier.indices:
        chosen = network.space.decode(indices)
        weights, loss = network.cost(chosen).weights, network.loss(chosen)
        assert not any(w <= weights and other < loss - 1e-9 for w, other in points)


def test_halving_begins_with_the_ends_and_misses_nothing() -> None:
    assert halving(5)[:3].tolist() == [0, 4, 2]
    for count in range(1, 40):
        assert sorted(halving(count)) == list(range(count))


def test_greedy_steps_save_at_each_step_until_nothing_is_left() -> None:
    network = Network()
    effects = measure_effects(network.problem(Budgets()))
    path = list(steps(effects, WEIGHTS))
    weights = [network.cost(network.space.decode(indices)).weights for indices in path]
    assert all(after < before for before, after in pairwise(weights))
    assert weights[-1] == min(network.cost(a).weights for a in network.space)


def test_boosted_trees_try_the_answers_of_proxies_before_anything_is_probed() -> None:
    network = Network()
    asked: list[bool] = []

    def probe(allocation: Allocation) -> float:
        raise AssertionError("probed")

    problem = replace(
        network.problem(network.half), probe=probe, survey=lambda allocations, probed: asked.append(probed)
    )
    answers_of = {next(answers(problem, table, limits(network.half))) for table in score_tables(problem).values()}
    proposed = make_strategy("xgboost", problem).ask(len(answers_of))
    assert set(proposed) == answers_of
    assert asked and not any(asked)


def test_what_will_be_probed_is_announced() -> None:
    network, announced = Network(layers=3), set()

    def survey(allocations: Sequence[Allocation], probed: bool) -> None:
        announced.update((allocation, probed) for allocation in allocations)

    def probe(allocation: Allocation) -> float:
        assert (allocation, True) in announced
        return network.loss(allocation)

    def cost(allocation: Allocation) -> Cost:
        assert (allocation, False) in announced
        return network.cost(allocation)

    problem = replace(network.problem(network.half), survey=survey, probe=probe, cost=cost)
    assert len(measure_effects(problem).loss) == 3


def test_proxies_say_how_well_they_rank() -> None:
    network = Network()
    strategy = ProxySearch(network.problem(network.half))
    assert strategy.notes() == []
    run(strategy, network, 12)
    assert set(strategy.correlations()) <= {"noise", "hessian_trace", "entropy"}
    assert all(-1 <= r <= 1 for r in strategy.correlations().values())
    assert any("noise" in note for note in strategy.notes())
