"""The trials of a study in a database: they survive the process that made them, and several processes share them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

import sqlalchemy as sql

from edgeq.search.database import reported
from edgeq.search.space import Allocation
from edgeq.search.tables import STUDIES, TRIALS
from edgeq.search.trial import Outcome, Trial

LEASE_SECONDS = 60.0
"""So long a claim holds after it was last renewed; then another process may take the allocation over."""


@dataclass(frozen=True)
class Claim:
    """An allocation that this process works on."""

    id: int
    number: int
    allocation: Allocation


class Study:
    """The trials of one search.

    Every change is one transaction that locks the study, so that processes see each other's claims. Leases compare the
    clocks of the machines that share a study: these must agree to some seconds.

    Args:
        begin: Opens the database, with this study in it, once: its engine, and the study's key there.
        is_there: Whether there is a database. Until the first claim of any process there need be none: a search that
            fails before its first trial leaves no file.

    Attributes:
        owner: Name of this process in claims.
    """

    def __init__(self, begin: Callable[[], tuple[sql.Engine, int]], is_there: Callable[[], bool]) -> None:
        self._begin, self._is_there = begin, is_there
        self.owner = uuid4().hex

    def trials(self) -> list[Trial]:
        """All finished ones, failed ones too, by number."""
        if not self._is_there():
            return []
        query = sql.select(TRIALS).where(self._mine, _FINISHED).order_by(TRIALS.c.number)
        with reported(), self._engine.begin() as connection:
            return [_trial(row) for row in connection.execute(query)]

    def claim(self, proposed: Sequence[Allocation], most: int, lease: float = LEASE_SECONDS) -> list[Claim]:
        """Claims those allocations that nobody has tried or works on.

        Args:
            most: Of trials, finished and under way: what would exceed that is not claimed.
            lease: Seconds.
        """
        claims: list[Claim] = []
        if not proposed:
            return claims
        with self._locked() as connection:
            known = set(connection.scalars(sql.select(TRIALS.c.digest).where(self._mine)))
            for allocation in proposed:
                digest = _digest(allocation)
                if digest not in known and len(known) < most:
                    claims.append(self._insert(connection, allocation, digest, len(known), lease))
                    known.add(digest)
        return claims

    def take_over(self, most: int, lease: float = LEASE_SECONDS) -> list[Claim]:
        """Claims allocations whose owner has not renewed its lease.

        Args:
            most: So many at most.
            lease: Seconds.
        """
        if not self._is_there():
            return []
        expired = sql.select(TRIALS).where(self._mine, ~_FINISHED, TRIALS.c.lease < time.time()).limit(most)
        with self._locked() as connection:
            claims = [_claim(row) for row in connection.execute(expired.order_by(TRIALS.c.number))]
            self._own(connection, claims, lease)
        return claims

    def renew(self, claims: Sequence[Claim], lease: float = LEASE_SECONDS) -> None:
        """Makes the leases of claims last so many seconds from now; those that were taken over stay as they are."""
        if claims:
            with self._locked() as connection:
                self._own(connection, claims, lease, TRIALS.c.owner == self.owner)

    def finish(
        self, claim: Claim, outcome: Outcome | None, *, stopped: bool = False, error: str | None = None
    ) -> Trial | None:
        """Stores the result of a claim. None where another process has taken it over: its result counts."""
        values = {
            "outcome": None if outcome is None else json.dumps(outcome.to_dict()),
            "stopped": stopped,
            "error": error,
            "owner": None,
            "lease": None,
        }
        own = sql.update(TRIALS).where(TRIALS.c.id == claim.id, ~_FINISHED, TRIALS.c.owner == self.owner)
        with self._locked() as connection:
            stored = connection.execute(own.values(values)).rowcount == 1
        return Trial(claim.number, claim.allocation, outcome, stopped, error) if stored else None

    def claimed(self) -> int:
        """Number of allocations that some process works on, or did when it ended."""
        if not self._is_there():
            return 0
        query = sql.select(sql.func.count()).select_from(TRIALS).where(self._mine, ~_FINISHED)
        with reported(), self._engine.begin() as connection:
            return int(connection.scalar(query) or 0)

    @property
    def _engine(self) -> sql.Engine:
        return self._begin()[0]

    @property
    def _study(self) -> int:
        return self._begin()[1]

    @property
    def _mine(self) -> sql.ColumnElement[bool]:
        return TRIALS.c.study == self._study

    @contextmanager
    def _locked(self) -> Iterator[sql.Connection]:
        """A transaction that no other process changes this study beside; SQLite locks the file as it begins."""
        with reported(), self._engine.begin() as connection:
            connection.execute(sql.select(STUDIES.c.id).where(STUDIES.c.id == self._study).with_for_update())
            yield connection

    def _insert(
        self, connection: sql.Connection, allocation: Allocation, digest: str, number: int, lease: float
    ) -> Claim:
        values = {
            "study": self._study,
            "number": number,
            "digest": digest,
            "allocation": allocation.to_json(),
            "owner": self.owner,
            "lease": time.time() + lease,
        }
        (key,) = connection.execute(sql.insert(TRIALS).values(values)).inserted_primary_key or (0,)
        return Claim(key, number, allocation)

    def _own(
        self, connection: sql.Connection, claims: Sequence[Claim], lease: float, *where: sql.ColumnElement[bool]
    ) -> None:
        rows = TRIALS.c.id.in_([claim.id for claim in claims])
        values = {"owner": self.owner, "lease": time.time() + lease}
        connection.execute(sql.update(TRIALS).where(rows, ~_FINISHED, *where).values(values))


_FINISHED = TRIALS.c.outcome.is_not(None) | TRIALS.c.error.is_not(None)


def _digest(allocation: Allocation) -> str:
    return sha256(allocation.to_json().encode()).hexdigest()


def _claim(row: sql.Row[Any]) -> Claim:
    return Claim(row.id, row.number, Allocation.from_json(row.allocation))


def _trial(row: sql.Row[Any]) -> Trial:
    outcome = None if row.outcome is None else Outcome.from_dict(json.loads(row.outcome))
    return Trial(row.number, Allocation.from_json(row.allocation), outcome, row.stopped, row.error)
