"""Trials in processes of this machine, one of which is killed while it works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import pytest
from tune.process_of import grown_process, process_of

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


def test_a_process_that_remembers_much_is_not_replaced(setup: Setup, space: Space) -> None:
    """joblib's pool looks once a second, and by itself replaces a process that has grown by 300 MB."""
    task = Task(setup.key, space.default())
    with open_executor(setup, None, 2) as executor:
        grown = set()
        for _ in range(3):  # two processes: one of them grows twice, and its first size is what counts for the pool
            grown.add(executor.submit(grown_process, task).result())
            time.sleep(1.1)
        assert all(map(is_running, grown))


def without_time(outcome: Outcome) -> dict[str, Any]:
    return {**outcome.to_dict(), "seconds": 0}


def test_a_worker_that_is_killed_loses_no_finished_trial(tiny: Any, tmp_path: Path) -> None:
    place = str(tmp_path / "study.db")
    config = Config(strategy="random", calib=tiny.calib, eval=tiny.eval, trials=WANTED, study=place, jobs=2)

    victims = []

    def kill_a_worker_when_trials_come_in(stage: str, done: int, total: int) -> None:
        if stage == "trials" and done >= 1 and not victims:
            victims.append(children(os.getpid())[0])
            os.kill(victims[0], signal.SIGKILL)

    with pytest.raises(EdgeqError, match="a worker of the search ended without a result"):
        tune_model(tiny.model, config, kill_a_worker_when_trials_come_in)
    finished = rows(place)
    assert finished
    let_leases_end(place)
    assert tune_model(tiny.model, replace(config, jobs=1), silent).report["trials"]["count"] == WANTED
    assert finished.items() <= rows(place).items()


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_soon_after_a_search_that_is_ended(tiny: Any, tmp_path: Path, blow: signal.Signals) -> None:
    place = tmp_path / "study.db"
    data = ["--calib", tiny.calib, "--eval", tiny.eval, "--target", "cortex-m4"]
    many = ["--strategy", "random", "--trials", "100000", "--jobs", "2", "--study", place]
    command = [sys.executable, "-m", "edgeq", "tune", tiny.model, *data, *many]
    search = subprocess.Popen(command, stderr=DEVNULL, preexec_fn=hear_interrupts)
    try:
        wait_until(lambda: place.exists() and bool(rows(str(place))))
        workers = children(search.pid)
        assert len(workers) == 2
        search.send_signal(blow)
        search.wait(timeout=20)
        wait_until(lambda: not any(is_running(worker) for worker in workers), seconds=20)
    finally:
        search.kill()


def hear_interrupts() -> None:
    """What a shell starts in the background ignores them, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)


def is_running(process: int) -> bool:
    """Whether a process is there, and not just unburied."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("wrong", [{"max_flash": 10}, {"cluster": "tcp://127.0.0.1:1"}, {"eval": Path("none.npz")}])
def test_a_search_that_fails_before_its_first_trial_leaves_no_file(
    tiny: Any, tmp_path: Path, wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeq.tune.executors.CONNECT_SECONDS", 0.5)
    place = tmp_path / "study.db"
    options = {"calib": tiny.calib, "eval": tiny.eval, "study": str(place), "strategy": "ilp", "jobs": 1, **wrong}
    with pytest.raises(EdgeqError):
        tune_model(tiny.model, Config(**options), silent)
    assert not place.exists()


def rows(place: str) -> dict[int, str]:
    """Outcomes of the finished trials, by number."""
    with open_database(place).begin() as connection:
        return {row.number: row.outcome for row in connection.execute(TRIALS.select()) if row.outcome}


def let_leases_end(place: str) -> None:
    """As after a minute."""
    with open_database(place).begin() as connection:
        connection.execute(TRIALS.update().where(TRIALS.c.lease.is_not(None)).values(lease=0.0))


def children(parent: int) -> list[int]:
    """Processes that work for another: those of the pool, not what keeps track of its semaphores."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = path.read_text().rsplit(")", 1)[1].split()
        command = (path.parent / "cmdline").read_bytes()
        if int(fields[1]) == parent and b"loky.backend.popen_loky" in command:
            found.append(int(path.parent.name))
    return found
