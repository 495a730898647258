"""Predicted losses: what carries over between models, and what trials teach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from search.networks import Network, run

from edgeq.search.boosted import Boosted
from edgeq.search.effects import measure_effects
from edgeq.search.features import TINY, Features
from edgeq.search.space import Allocation, Knob, Space
from edgeq.search.strategy import Problem
from edgeq.search.surrogate import Records, Surrogate, load_prior, train_prior
from edgeq.search.trial import Budgets, Cost


def described(network: Network) -> tuple[Features, np.ndarray, np.ndarray]:
    """Features of a network, all its allocations, and their losses."""
    problem = network.problem(Budgets())
    features = Features(problem, measure_effects(problem))
    indices = np.array([network.space.encode(allocation) for allocation in network.space])
    return features, indices, np.array([network.loss(allocation) for allocation in network.space])


def records(network: Network) -> Records:
    features, indices, losses = described(network)
    return Records(features.names, features.matrix(indices), np.log(losses + TINY) - features.baseline(indices))


def test_features_do_not_depend_on_how_layers_are_called() -> None:
    network = Network(layers=3)
    problem = network.problem(Budgets())
    renamed = Space(tuple(replace(knob, layer=f"x{knob.layer}") for knob in network.space.knobs))
    facts = [replace(layer, name=f"x{layer.name}") for layer in network.facts()]

    def original(allocation: Allocation) -> Allocation:
        return network.space.decode(renamed.encode(allocation))

    other = Problem(
        renamed, Budgets(), lambda a: network.cost(original(a)), lambda a: network.loss(original(a)), lambda: facts
    )
    first, second = Features(problem, measure_effects(problem)), Features(other, measure_effects(other))
    indices = np.array([network.space.encode(allocation) for allocation in network.space])
    assert first.names == second.names
    assert np.array_equal(first.matrix(indices), second.matrix(indices))


def test_where_losses_add_up_the_baseline_is_the_loss() -> None:
    features, indices, losses = described(Network(layers=4))
    assert np.allclose(features.baseline(indices), np.log(losses + TINY))


def test_trials_of_other_networks_teach_that_neighbours_interact() -> None:
    prior = train_prior(records(Network(layers=4, seed=1, interaction=0.8)))
    features, indices, losses = described(Network(layers=4, seed=5, interaction=0.8))
    truth = np.log(losses + TINY)
    (predicted,) = Surrogate(features, prior, 0).predict(indices)
    assert np.abs(predicted - truth).mean() < 0.8 * np.abs(features.baseline(indices) - truth).mean()


def test_own_trials_correct_the_prediction() -> None:
    features, indices, losses = described(Network(layers=4, seed=3, interaction=0.8))
    surrogate = Surrogate(features, load_prior(), 0)
    seen = np.random.default_rng(0).permutation(len(losses))[:30]
    truth = np.log(losses + TINY)
    before = np.abs(surrogate.predict(indices).mean(axis=0) - truth).mean()
    surrogate.fit(indices[seen], losses[seen])
    assert np.abs(surrogate.predict(indices).mean(axis=0) - truth).mean() < 0.7 * before


def test_choices_for_the_whole_model_are_learned_from_other_models() -> None:
    space = Space(
        (Knob("scheme", ("asymmetric", "symmetric", "power_of_two")), Knob("granularity", ("tensor", "channel")))
    )
    best = space.default().replace({"scheme": "symmetric", "granularity": "channel"})

    def problem(scale: float) -> Problem:
        def loss(allocation: Allocation) -> float:
            return scale * (1 + float((space.encode(allocation) != space.encode(best)).sum()))

        return Problem(space, Budgets(), lambda _: Cost(1, 1, 1), loss, tuple)

    told = problem(1.0)
    features = Features(told, measure_effects(told))
    indices = np.array([space.encode(allocation) for allocation in space])
    excess = np.log([told.probe(allocation) for allocation in space]) - features.baseline(indices)
    prior = train_prior(Records(features.names, features.matrix(indices), excess))
    asked = Boosted(problem(0.01), prior).ask(2)
    assert best in asked


def test_without_a_limit_of_cost_savings_are_traded_for_loss() -> None:
    network = Network()
    done = run(Boosted(network.problem(Budgets())), network, 24)
    weights = sorted(trial.outcome.cost.weights for trial in done if trial.outcome)
    assert weights[0] < 0.4 * network.sizes.sum()
    assert len(set(weights)) > 10
