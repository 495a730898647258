"""How the race of strategies counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench_search.contest import Level, Run, levels
from bench_search.ledger import Curve, Ledger, Race
from bench_search.quantune import SPACE
from bench_search.race import losses, within
from bench_search.summary import markdown, panels
from bench_search.tables import Table, joined
from search.networks import Network

from edgeq.search.sampling import Exhaustive
from edgeq.search.surrogate import train_prior


def test_levels_say_which_share_of_chance_reaches_them() -> None:
    first, second, fixed = levels([5.0, 1.0, 3.0, 2.0], (2, 1), 0.5)
    assert (first.loss, first.share) == (2.0, 0.5)
    assert (second.loss, second.share) == (1.0, 0.25)
    assert (fixed.loss, fixed.share) == (0.5, 0.0)


def test_a_race_ends_at_the_level() -> None:
    network = Network(layers=3)
    problem = network.problem(network.half)
    everything = [network.loss(allocation) for allocation in network.space]
    found = losses(Exhaustive(problem), problem, sorted(everything)[1], 100)
    assert found == everything[: len(found)]


def test_chance_stays_within_the_budget() -> None:
    network = Network(layers=3)
    drawn = [allocation for _, allocation in zip(range(5), within(network.problem(network.half)), strict=False)]
    assert len(set(drawn)) == 5
    assert not any(network.half.over_cost(network.cost(allocation)) for allocation in drawn)


def test_what_is_missing_of_a_model_is_left_open_to_the_prior() -> None:
    table = Table("net", 8, SPACE, {allocation: 0.1 + 0.01 * i for i, allocation in enumerate(SPACE)})
    one = table.records()
    short = type(one)(one.names[:3], one.matrix[:, :3], one.excess)
    both = joined([one, short])
    assert both.matrix.shape == (2 * SPACE.size, len(one.names))
    assert np.isnan(both.matrix[SPACE.size :, 3:]).all()
    assert train_prior(both).feature_names == list(one.names)


RACE = Race("widths", "net", "abcd")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Three seeds of two strategies, and a level that only the second one reaches."""
    made = Ledger(tmp_path / "search.csv")
    made.begin(RACE, [Level(0.5, 0.01)])
    for seed in range(3):
        made.add(RACE, Run("random", seed, [3.0, 4.0, 1.0], 0))
        made.add(RACE, Run("xgboost", seed, [2.0] * seed + [0.25], 7))
    return made


def test_a_curve_is_what_fell(ledger: Ledger) -> None:
    ((race, levels_of, curves),) = Ledger(ledger.path).races()
    assert (race, levels_of) == (RACE, [Level(0.5, 0.01)])
    assert curves["random"][0] == Curve(3, 0, ((1, 3.0), (3, 1.0)))
    assert [curve.trials_to(0.5) for curve in curves["xgboost"]] == [1, 2, 3]
    assert curves["random"][0].trials_to(0.5) == np.inf
    assert [curves["random"][0].least(trials) for trials in (0, 1, 2, 3)] == [np.inf, 3.0, 3.0, 1.0]


def test_runs_are_made_once_and_again_on_other_data(ledger: Ledger) -> None:
    known = {(name, seed) for name in ("random", "xgboost") for seed in range(3)}
    assert Ledger(ledger.path).begin(RACE, [Level(0.5, 0.01)]) >= known
    assert not Ledger(ledger.path, "random").begin(RACE, [Level(0.5, 0.01)]) & {("random", 0)}
    other = Race(RACE.space, RACE.model, "ef01")
    assert not Ledger(ledger.path).begin(other, [Level(0.5, 0.01)]) & known
    assert [race for race, _, _ in Ledger(ledger.path).races()] == [other]


def test_the_table_shows_medians(ledger: Ledger) -> None:
    assert markdown(ledger).splitlines()[-1] == "| widths | net | 0.0100 | 0.5 | inf (3 seeds) | 2 (3 seeds) | 7 |"


def test_the_picture_shows_medians(ledger: Ledger) -> None:
    (panel,) = panels(ledger)
    assert panel["levels"] == [0.5]
    assert panel["curves"] == {"random": [3.0, 3.0, 1.0], "xgboost": [2.0, 0.25, 0.25]}


@pytest.mark.parametrize("option", ["scheme", "granularity"])
def test_the_sweep_covers_the_space(option: str, repo_root: Path) -> None:
    lines = (repo_root / "benchmarks/quantune.csv").read_text().splitlines()
    index = lines[0].split(",").index(option)
    (knob,) = (knob for knob in SPACE.knobs if knob.option == option)
    assert {line.split(",")[index] for line in lines[1:]} == set(knob.values)
    assert (len(lines) - 1) % SPACE.size == 0
