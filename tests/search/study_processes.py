"""A study, and what processes of their own do to it: imported by name, as processes that are spawned import it."""

from __future__ import annotations

import os
import signal

from edgeq.search.space import Knob, Space
from edgeq.search.store import Study
from edgeq.search.studies import begin_study
from edgeq.search.trial import Cost, Outcome

SPACE = Space((Knob("calibration_samples", tuple(range(40))),))
ALL = list(SPACE)
OUTCOME = Outcome(Cost(100, 50, 20, 1.5), 0.25, 0.01, 64, 2.0)
ABOUT = {"model": "net", "target": "cortex-m4"}


def study_at(place: str, key: str = "key") -> Study:
    return begin_study(place, key, SPACE, ABOUT)


def finish_two_and_die(place: str) -> None:
    """Is killed while it holds three claims, two of them finished."""
    study = study_at(place)
    for claim in study.claim(ALL[:3], most=len(ALL))[:2]:
        study.finish(claim, OUTCOME)
    os.kill(os.getpid(), signal.SIGKILL)


def one_by_one(place: str) -> None:
    study = study_at(place)
    for allocation in ALL:
        for claim in study.claim([allocation], most=len(ALL)):
            study.finish(claim, OUTCOME)
