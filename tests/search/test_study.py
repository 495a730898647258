"""Studies in a database: claims, leases, and what survives the end of a process."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from search.study_processes import ABOUT, ALL, OUTCOME, finish_two_and_die, one_by_one, study_at

from edgeq.errors import EdgeqError, ToolMissingError, UsageError
from edgeq.search.studies import find_allocation
from edgeq.search.trial import Trial

from .postgresql import new_database, server


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Path]:
    with server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A file, or the URL of an empty database of a real server."""
    if request.param == "sqlite":
        return str(tmp_path / "study.db")
    return new_database(request.getfixturevalue("postgresql"), f"study_{os.getpid()}_{tmp_path.name.lower()}")


def test_a_finished_trial_is_read_back_by_another_process(place: str) -> None:
    study = study_at(place)
    first, second = study.claim(ALL[:2], most=10)
    assert study.trials() == []
    assert study.finish(second, None, error="no kernel") == Trial(1, ALL[1], error="no kernel")
    assert study.finish(first, OUTCOME, stopped=True) == Trial(0, ALL[0], OUTCOME, stopped=True)
    assert study_at(place).trials() == [Trial(0, ALL[0], OUTCOME, stopped=True), Trial(1, ALL[1], error="no kernel")]


def test_nobody_claims_what_another_works_on_or_has_done(place: str) -> None:
    one, other = study_at(place), study_at(place)
    claims = one.claim(ALL[:3], most=10)
    one.finish(claims[0], OUTCOME)
    assert [claim.allocation for claim in other.claim(ALL[:5], most=10)] == ALL[3:5]
    assert other.claimed() == 4


def test_no_more_is_claimed_than_is_wanted(place: str) -> None:
    assert len(study_at(place).claim(ALL, most=3)) == 3
    assert study_at(place).claim(ALL[5:], most=3) == []


def test_an_expired_claim_is_taken_over_and_its_late_result_does_not_count(place: str) -> None:
    dead, alive = study_at(place), study_at(place)
    (claim,) = dead.claim(ALL[:1], most=10, lease=-1)
    assert alive.take_over(5) == [claim]
    assert alive.take_over(5) == []
    assert dead.finish(claim, OUTCOME) is None
    dead.renew([claim])
    assert alive.finish(claim, OUTCOME) == Trial(0, ALL[0], OUTCOME)
    assert alive.finish(claim, OUTCOME) is None


def test_a_renewed_claim_is_not_taken_over(place: str) -> None:
    study = study_at(place)
    claims = study.claim(ALL[:1], most=10, lease=-1)
    study.renew(claims)
    assert study_at(place).take_over(5) == []


def test_studies_of_one_database_are_apart(place: str) -> None:
    study_at(place).claim(ALL[:1], most=10)
    assert [claim.number for claim in study_at(place, "another").claim(ALL[:1], most=10)] == [0]


def test_a_trial_is_found_by_its_number_in_the_newest_study(place: str) -> None:
    for key, allocation in (("old", ALL[1]), ("new", ALL[2])):
        study_at(place, key).claim([allocation], most=10)
    assert find_allocation(place, 0, ABOUT) == ALL[2]
    with pytest.raises(UsageError, match="no trial 7"):
        find_allocation(place, 7, ABOUT)
    with pytest.raises(UsageError, match=r"no study of this model and target.*\n.*edgeq tune"):
        find_allocation(place, 0, {**ABOUT, "target": "host"})


def test_processes_at_once_share_the_trials(place: str) -> None:
    """Every allocation is tried once, whoever comes first."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=one_by_one, args=(place,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    trials = study_at(place).trials()
    assert Counter(trial.allocation for trial in trials) == Counter(ALL)
    assert [trial.number for trial in trials] == list(range(len(ALL)))


def test_a_kill_loses_no_finished_trial(place: str) -> None:
    victim = multiprocessing.get_context("spawn").Process(target=finish_two_and_die, args=(place,))
    victim.start()
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    assert [trial.allocation for trial in study_at(place).trials()] == ALL[:2]


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        ("nonsense://x", UsageError, "no database that SQLAlchemy knows"),
        ("/nowhere/at/all/study.db", EdgeqError, "the database of the study failed"),
        ("mysql+pymysql://x/y", ToolMissingError, "pymysql"),
    ],
)
def test_databases_that_cannot_be_opened(place: str, error: type[EdgeqError], words: str) -> None:
    with pytest.raises(error, match=words):
        study_at(place)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "study.db"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(EdgeqError, match="not a database"):
        study_at(str(file))
