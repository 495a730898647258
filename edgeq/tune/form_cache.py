"""Sizes of kernels, kept from one search to the next and shared by the processes of one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from edgeq.run.plugin import cache_folder
from edgeq.targets.families import family_package
from edgeq.targets.target import Target
from edgeq.tune.form import Form

BUSY_SECONDS = 10
"""So long a process waits for others that write."""


class FormCache:
    """A file of SQLite in the cache folder of edgeq. One that cannot be read or written counts as empty.

    Args:
        target: Its kernels, as this version of edgeq makes them.
    """

    def __init__(self, target: Target) -> None:
        self._made_by = _made_by(target)

    def get(self, key: str) -> Form | None:
        """The form of a kernel, if it was measured before.

        Args:
            key: What the kernel depends on, as text.
        """
        found = _execute("SELECT form FROM forms WHERE key = ?", self._digest(key))
        return Form.from_json(found[0][0]) if found else None

    def put(self, key: str, form: Form) -> None:
        """Keeps it; another process may have done so before."""
        _execute("INSERT OR REPLACE INTO forms VALUES (?, ?)", self._digest(key), form.to_json())

    def _digest(self, key: str) -> str:
        return sha256(f"{self._made_by} {key}".encode()).hexdigest()


def _execute(statement: str, *values: str) -> list[tuple[str, ...]]:
    """The rows that a statement finds; none where it fails."""
    path = cache_folder() / "forms.db"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS forms (key TEXT PRIMARY KEY, form TEXT NOT NULL)")
            return database.execute(statement, values).fetchall()
    except (sqlite3.Error, OSError):
        return []


@cache
def _made_by(target: Target) -> str:
    """Digest of the target, the sources of its kernels and of all they are made with, and the compiler's version."""
    content = sha256(version("apache-tvm").encode())
    described = {name: sorted(v) if isinstance(v, frozenset) else v for name, v in vars(target).items()}
    content.update(repr(described).encode())
    packages = ("edgeq.lower", "edgeq.program", "edgeq.quant", "edgeq.targets", family_package(target.family))
    for package in packages:
        for path in sorted(_folder(package).rglob("*.py")) + sorted(_folder(package).rglob("*.toml")):
            content.update(path.read_bytes())
    return content.hexdigest()


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])
