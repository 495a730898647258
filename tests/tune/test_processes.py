"""Trials in processes of this machine, one of which is killed while it works."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tune.process_of import process_of

from edgeq.config import Config
from edgeq.errors import EdgeqError
from edgeq.progress import silent
from edgeq.search.space import Space
from edgeq.search.studies import open_database
from edgeq.search.tables import TRIALS
from edgeq.search.trial import Outcome
from edgeq.tune.executors import open_executor
from edgeq.tune.setup import Setup
from edgeq.tune.tuner import tune_model
from edgeq.tune.workbench import Tried, Workbench
from edgeq.tune.worker import Task, run_trial

WANTED = 6


def test_processes_measure_what_one_process_measures(bench: Workbench, space: Space, setup: Setup) -> None:
    task = Task(setup.key, space.default().replace({"weight_bits:node_conv2d_1": 4}))
    with open_executor(setup, None, 2) as executor:
        assert executor.workers == 2
        assert executor.submit(process_of, task).result() != os.getpid()
        tried = executor.submit(run_trial, task).result()
    assert isinstance(tried, Tried)
    here = bench.run(task.allocation, ())
    assert without_time(tried.outcome) == without_time(here.outcome)


def without_time(outcome: Outcome) -> dict[str, Any]:
    return {**outcome.to_dict(), "seconds": 0}


def test_a_worker_that_is_killed_loses_no_finished_trial(tiny: Any, tmp_path: Path) -> None:
    place = str(tmp_path / "study.db")
    config = Config(strategy="random", calib=tiny.calib, eval=tiny.eval, trials=WANTED, study=place, jobs=2)

    victims = []

    def kill_a_worker_when_trials_come_in(stage: str, done: int, total: int) -> None:
        if stage == "trials" and done >= 1 and not victims:
            victims.append(children()[0])
            os.kill(victims[0], signal.SIGKILL)

    with pytest.raises(EdgeqError, match="a worker of the search ended without a result"):
        tune_model(tiny.model, config, kill_a_worker_when_trials_come_in)
    finished = rows(place)
    assert finished
    assert tune_model(tiny.model, replace(config, jobs=1), silent).report["trials"]["count"] == WANTED
    assert finished.items() <= rows(place).items()


def rows(place: str) -> dict[int, str]:
    """Outcomes of the finished trials, by number."""
    with open_database(place).begin() as connection:
        return {row.number: row.outcome for row in connection.execute(TRIALS.select()) if row.outcome}


def children() -> list[int]:
    """Processes that work for this one: those of the pool, not what keeps track of its semaphores."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = path.read_text().rsplit(")", 1)[1].split()
        command = (path.parent / "cmdline").read_bytes()
        if int(fields[1]) == os.getpid() and b"loky.backend.popen_loky" in command:
            found.append(int(path.parent.name))
    return found
