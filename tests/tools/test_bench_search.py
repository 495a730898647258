"""How the race of strategies counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench_search.contest import levels
from bench_search.quantune import SPACE
from bench_search.race import losses, trials_to, within
from bench_search.summary import markdown
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
    assert trials_to(found, sorted(everything)[1]) == len(found)
    assert trials_to([3.0, 2.0], 1.0) == np.inf


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


def test_the_table_shows_medians(tmp_path: Path) -> None:
    rows = ["space,model,strategy,seed,share,level,trials,probes"]
    rows += [
        f"widths,net,{name},{seed},0.01,0.5,{n},{3 * (name == 'xgboost')}"
        for seed in range(3)
        for name, n in (("random", 90 + seed), ("xgboost", seed))
    ]
    (tmp_path / "search.csv").write_text("\n".join(rows) + "\n")
    assert (
        markdown(tmp_path / "search.csv").splitlines()[-1]
        == "| widths | net | 0.01 | 0.5 | 91 (3 seeds) | 1 (3 seeds) | 3 |"
    )


@pytest.mark.parametrize("option", ["scheme", "granularity"])
def test_the_sweep_covers_the_space(option: str, repo_root: Path) -> None:
    lines = (repo_root / "benchmarks/quantune.csv").read_text().splitlines()
    index = lines[0].split(",").index(option)
    (knob,) = (knob for knob in SPACE.knobs if knob.option == option)
    assert {line.split(",")[index] for line in lines[1:]} == set(knob.values)
    assert (len(lines) - 1) % SPACE.size == 0
