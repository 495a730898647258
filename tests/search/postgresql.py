"""A PostgreSQL server of a test's own: in a folder, on a socket, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEBIAN = "/usr/lib/postgresql"
USER = "postgres"
"""Who runs it where the tests are root: the server refuses to be."""


@contextmanager
def server() -> Iterator[Path]:
    """The folder of the server's socket; skips where PostgreSQL is not installed, but fails in CI."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="edgeq-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    data = folder / "data"
    _run(programs / "initdb", "-D", data, "-U", USER, "--auth=trust", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    _run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield folder
    finally:
        _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def new_database(folder: Path, name: str) -> str:
    """URL of a new database of a server."""
    _run(_programs() / "createdb", "-h", folder, "-U", USER, name)
    return f"postgresql+psycopg://{USER}@/{name}?host={folder}"


def _programs() -> Path:
    found = sorted(Path(DEBIAN).glob("*/bin/initdb")) if Path(DEBIAN).is_dir() else []
    if not found:
        message = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found[-1].parent


def _run(*command: object) -> None:
    user = pwd.getpwnam(USER) if os.geteuid() == 0 else None
    done = subprocess.run(
        [str(part) for part in command],
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
