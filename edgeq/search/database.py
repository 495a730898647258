"""Opens the database of a study: a file of SQLite, or whatever SQLAlchemy knows a URL for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from edgeq.errors import EdgeqError, ToolMissingError, UsageError
from edgeq.search.tables import METADATA

FIX = "check the file or URL of --study, and whether its disk is full"

BUSY_SECONDS = 60
"""So long a process waits for the lock of another on a file of SQLite."""


def open_database(place: str) -> sql.Engine:
    """The database at a path or URL, with the tables of studies.

    Raises:
        UsageError: The URL is none that SQLAlchemy understands.
        ToolMissingError: The Python package for this kind of database is not installed.
        EdgeqError: The database cannot be reached, or is none.
    """
    try:
        url = sql.make_url(place if "://" in place else f"sqlite:///{place}")
        sqlite = url.get_backend_name() == "sqlite"
        engine = sql.create_engine(url, connect_args={"timeout": BUSY_SECONDS} if sqlite else {})
    except (ArgumentError, NoSuchModuleError) as error:
        fix = "give a file, or a URL such as postgresql+psycopg://user@host/database"
        raise UsageError(f"--study {place} is no database that SQLAlchemy knows: {error}", fix=fix) from error
    except ModuleNotFoundError as error:
        missing = f"the Python package {error.name} for this kind of database is not installed"
        raise ToolMissingError(missing, fix=f"pip install {error.name}") from error
    if sqlite:
        _begin_with_a_lock(engine)
    with reported():
        _create_tables(engine)
    return engine


def has_database(place: str) -> bool:
    """Whether there is something to open: False where the place is a file that does not exist.

    Raises:
        EdgeqError: It does not, and could not be made.
    """
    file = Path(place.removeprefix("sqlite:///"))
    if "://" in place.removeprefix("sqlite:///") or file.exists():
        return True
    if not os.access(file.parent, os.W_OK):
        raise EdgeqError(f"the database of the study failed: no file can be made in {file.parent}", fix=FIX)
    return False


def _create_tables(engine: sql.Engine) -> None:
    """Makes the tables that are missing; a second time where another process made them just now."""
    try:
        METADATA.create_all(engine)
    except SQLAlchemyError:
        METADATA.create_all(engine)


@contextmanager
def reported() -> Iterator[None]:
    """Turns errors of the database into those of edgeq.

    Raises:
        EdgeqError: In their place.
    """
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise EdgeqError(f"the database of the study failed: {cause}", fix=FIX) from error


def _begin_with_a_lock(engine: sql.Engine) -> None:
    """Lets transactions of SQLite take the lock for writing as they begin, where Python's driver waits until the first
    change and then may find that another process has been faster."""

    @sql.event.listens_for(engine, "connect")
    def _leave_transactions_to_us(connection: object, record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]

    @sql.event.listens_for(engine, "begin")
    def _begin(connection: sql.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
