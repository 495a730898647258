"""The loop of a search: with trials that cost nothing, in this process and in others."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from edgeq.errors import EdgeqError
from edgeq.progress import silent
from edgeq.search.space import Allocation, Knob, Space
from edgeq.search.store import Study
from edgeq.search.strategy import Problem, make_strategy
from edgeq.search.studies import begin_study
from edgeq.search.trial import Budgets, Cost, Outcome, Trial
from edgeq.tune.search import Search
from edgeq.tune.workbench import Tried
from edgeq.tune.worker import Task

SPACE = Space((Knob("calibration_samples", tuple(range(12))),))


class Instant:
    """An executor whose trials are done at once; the losses are the values of the knob."""

    def __init__(self, workers: int = 3) -> None:
        self.workers = workers
        self.tasks: list[Task] = []

    def submit(self, work: Any, task: Task) -> Future[Any]:
        self.tasks.append(task)
        future: Future[Any] = Future()
        future.set_result(self.result(task.allocation))
        return future

    def result(self, allocation: Allocation) -> Tried | str:
        value = int(allocation["calibration_samples"])
        return (
            "no kernel" if value == 5 else Tried(Outcome(Cost(100 - value, 1, 1), value, 0.0, 10), stopped=value == 7)
        )


def study_at(folder: Path) -> Study:
    return begin_study(str(folder / "study.db"), "key", SPACE, {})


def search(folder: Path, executor: Any, wanted: int) -> list[Trial]:
    problem = Problem(SPACE, Budgets(), lambda _: Cost(1, 1, 1), lambda _: 0.0, tuple)
    return Search(study_at(folder), make_strategy("exhaustive", problem), executor, "key", wanted, silent).run()


def values(trials: Sequence[Trial]) -> list[object]:
    return [trial.allocation["calibration_samples"] for trial in trials]


def test_as_many_trials_run_as_are_wanted(tmp_path: Path) -> None:
    trials = search(tmp_path, Instant(), 8)
    assert values(trials) == list(range(8))
    assert [trial.error for trial in trials if trial.error] == ["no kernel"]
    assert [trial.number for trial in trials if trial.stopped] == [7]


def test_a_search_ends_where_nothing_is_left_to_propose(tmp_path: Path) -> None:
    assert len(search(tmp_path, Instant(), 100)) == SPACE.size


def test_a_search_goes_on_where_another_ended(tmp_path: Path) -> None:
    search(tmp_path, Instant(), 4)
    executor = Instant()
    assert len(search(tmp_path, executor, 6)) == 6
    assert [task.allocation["calibration_samples"] for task in executor.tasks] == [4, 5]


def test_what_a_dead_process_had_claimed_is_tried_again_under_its_number(tmp_path: Path) -> None:
    study_at(tmp_path).claim([SPACE.decode([9])], most=12, lease=-1)
    trials = search(tmp_path, Instant(), 3)
    assert values(trials) == [9, 0, 1]


def test_trials_know_the_front_they_have_to_beat(tmp_path: Path) -> None:
    executor = Instant(workers=1)
    search(tmp_path, executor, 3)
    assert [len(task.rivals) for task in executor.tasks] == [0, 1, 2]


def test_a_worker_that_dies_ends_the_search_and_keeps_what_is_finished(tmp_path: Path) -> None:
    class Mortal(Instant):
        def result(self, allocation: Allocation) -> Tried | str:
            if allocation["calibration_samples"] == 2:
                raise MemoryError
            return super().result(allocation)

        def submit(self, work: Any, task: Task) -> Future[Any]:
            try:
                return super().submit(work, task)
            except MemoryError as error:
                future: Future[Any] = Future()
                future.set_exception(error)
                return future

    with pytest.raises(EdgeqError, match=r"MemoryError.*\n.*finished trials are kept"):
        search(tmp_path, Mortal(workers=1), 5)
    assert values(study_at(tmp_path).trials()) == [0, 1]
