"""Trials on a Dask cluster of real processes, one of which is killed while it works."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeq.config import Config
from edgeq.errors import EdgeqError, UsageError
from edgeq.search.studies import open_database
from edgeq.search.tables import TRIALS
from edgeq.tune.executors import open_executor
from edgeq.tune.setup import Setup
from edgeq.tune.tuner import tune_model

WANTED = 6


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler and two workers with one thread each."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as made:
        yield made


def test_a_worker_that_is_killed_loses_no_trial_and_none_counts_twice(cluster: Any, tiny: Any, tmp_path: Path) -> None:
    from distributed import Client

    victims = []

    def kill_one_when_trials_come_in(stage: str, done: int, total: int) -> None:
        if stage == "trials" and done >= 1 and not victims:
            with Client(cluster) as client:
                victims.append(next(iter(client.run(os.getpid).values())))
            os.kill(victims[0], signal.SIGKILL)

    place = str(tmp_path / "study.db")
    config = Config(
        strategy="random",
        calib=tiny.calib,
        eval=tiny.eval,
        trials=WANTED,
        study=place,
        cluster=cluster.scheduler_address,
    )
    report = tune_model(tiny.model, config, kill_one_when_trials_come_in).report
    assert victims
    assert report["trials"] == {**report["trials"], "count": WANTED, "failed": 0}
    with open_database(place).begin() as connection:
        rows = connection.execute(TRIALS.select()).all()
    assert sorted(row.number for row in rows) == list(range(WANTED))
    assert len({row.digest for row in rows}) == WANTED
    assert all(row.outcome for row in rows)


def test_a_cluster_that_does_not_answer_is_named(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeq.tune.executors.CONNECT_SECONDS", 0.5)
    with (
        pytest.raises(EdgeqError, match=r"tcp://127.0.0.1:9 does not answer"),
        open_executor(setup, "tcp://127.0.0.1:9", 0),
    ):
        pass


def test_a_cluster_without_workers_is_refused(setup: Setup) -> None:
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(UsageError, match="has no workers"),
        open_executor(setup, empty.scheduler_address, 0),
    ):
        pass
