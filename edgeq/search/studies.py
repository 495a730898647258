"""Finds the studies of a database, and begins new ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import sqlalchemy as sql

from edgeq.errors import UsageError
from edgeq.search.database import has_database, open_database, reported
from edgeq.search.space import Allocation, Space
from edgeq.search.store import Study
from edgeq.search.tables import STUDIES, TRIALS


def begin_study(place: str, key: str, space: Space, about: Mapping[str, Any]) -> Study:
    """The study of this key, which begins if there is none: the same key from another process is the same study.

    Args:
        place: Path or URL of the database. A file that is not there is made for the first claim.
        key: Equal where trials have equal outcomes.
        about: What `find_trial` looks for; for JSON.

    Raises:
        EdgeqError: As `open_database`.
    """
    values = {"key": key, "about": json.dumps(about, sort_keys=True), "space": space_json(space)}
    begin = cache(partial(_begin, place, values))
    if has_database(place):
        begin()
    return Study(begin, partial(has_database, place))


def _begin(place: str, values: Mapping[str, str]) -> tuple[sql.Engine, int]:
    """The database, and the number of the study with this row in it.

    Raises:
        EdgeqError: As `open_database`.
    """
    engine = open_database(place)
    known = sql.select(STUDIES.c.id).where(STUDIES.c.key == values["key"])
    with reported():
        try:
            with engine.begin() as connection:
                if connection.scalar(known) is None:
                    connection.execute(sql.insert(STUDIES).values(values))
        except sql.exc.IntegrityError:
            pass  # another process began it meanwhile
        with engine.begin() as connection:
            return engine, int(connection.scalar(known) or 0)


def find_allocation(place: str, number: int, about: Mapping[str, Any]) -> Allocation:
    """What a trial chose, in the newest study that is about this.

    Raises:
        UsageError: There is no such study, or no such trial in it.
        EdgeqError: As `open_database`.
    """
    engine = open_database(place)
    text = json.dumps(about, sort_keys=True)
    study = sql.select(STUDIES.c.id).where(STUDIES.c.about == text).order_by(STUDIES.c.id.desc()).limit(1)
    with reported(), engine.begin() as connection:
        found = connection.scalar(study)
        if found is None:
            fix = "tune this very model for this target first: `edgeq tune`"
            raise UsageError(f"there is no study of this model and target in {place}", fix=fix)
        chosen = sql.select(TRIALS.c.allocation).where(TRIALS.c.study == found, TRIALS.c.number == number)
        allocation = connection.scalar(chosen)
    if allocation is None:
        raise UsageError(f"the study has no trial {number}", fix="`edgeq tune` lists those of the front")
    return Allocation.from_json(allocation)


def space_json(space: Space) -> str:
    """Canonical text of a space."""
    return json.dumps([[knob.option, knob.layer, list(knob.values)] for knob in space.knobs])
