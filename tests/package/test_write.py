"""A package appears whole or not at all, and never destroys what edgeq did not write."""

from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgeq.errors import EdgeqError, UsageError
from edgeq.package import exchange as exchange_module
from edgeq.package import write as write_module
from edgeq.package.write import write_file, write_package

Files = dict[str, bytes]
MANIFEST_OF = b'{"format": "edgeq-package-1", "files": {"a.txt": "", "src/b.c": ""}}'
OLD = {"a.txt": b"old a", "src/b.c": b"old b", "manifest.json": MANIFEST_OF}
NEW = {"a.txt": b"new a", "src/b.c": b"new b", "manifest.json": MANIFEST_OF}


def content(folder: Path) -> Files:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def in_child(function: Callable[[], None]) -> int | None:
    """Exit code of a forked process that runs `function`; minus the signal's number if it was killed."""
    process = multiprocessing.get_context("fork").Process(target=function)
    process.start()
    process.join(60)
    return process.exitcode


@pytest.fixture(params=["renameat2", "three renames"])
def exchange_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both ways of swapping folders."""
    if request.param == "three renames":

        def missing(a: Path, b: Path) -> None:
            raise OSError(errno.EINVAL, "no such flag")

        monkeypatch.setattr(exchange_module, "_renameat2", missing)
    yield


@pytest.mark.usefixtures("exchange_way")
def test_writes_and_replaces(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    write_package(OLD, out)
    assert content(out) == OLD
    write_package(NEW, out)
    assert content(out) == NEW
    assert list(out.parent.iterdir()) == [out]


def test_permissions_are_ordinary(tmp_path: Path) -> None:
    write_package(NEW, tmp_path / "out")
    (tmp_path / "made").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "made").stat().st_mode


def test_takes_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_package(NEW, tmp_path / "out")
    assert content(tmp_path / "out") == NEW


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "link").symlink_to("real")
    if exists:
        write_package(OLD, tmp_path / "real")
    write_package(NEW, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real") == NEW


@pytest.mark.parametrize("old", [None, OLD])
@pytest.mark.parametrize("survived", range(9))
def test_killed_at_any_moment(tmp_path: Path, old: Files | None, survived: int) -> None:
    """Kill -9 at each durable step, and right before and after the swap."""
    out = tmp_path / "out"
    if old:
        write_package(old, out)

    def write_and_die() -> None:
        steps = iter(range(100))
        real = {name: getattr(os, name) for name in ("fsync", "rename")}

        def step(do: Callable[..., None]) -> Callable[..., None]:
            def counted(*args: object) -> None:
                if next(steps) == survived:
                    os.kill(os.getpid(), signal.SIGKILL)
                do(*args)

            return counted

        os.fsync, os.rename = step(real["fsync"]), step(real["rename"])
        setattr(write_module, "exchange", step(exchange_module.exchange))  # noqa: B010
        write_package(NEW, out)

    # Three files, two folders, the swap, the parent folder: seven steps.
    assert in_child(write_and_die) == (-signal.SIGKILL if survived < 7 else 0)
    assert (content(out) if out.exists() else None) == (old if survived < 6 else NEW)


def test_real_write_error(tmp_path: Path) -> None:
    """A file larger than the process may write: the operating system itself refuses."""
    out = tmp_path / "out"
    write_package(OLD, out)

    def write_too_much() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with pytest.raises(EdgeqError, match="File too large"):
            write_package(NEW | {"big": bytes(100_000)}, out)

    assert in_child(write_too_much) == 0
    assert content(tmp_path) == {f"out/{path}": data for path, data in OLD.items()}


@pytest.mark.parametrize("interrupt", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_full_disk_and_ctrl_c_leave_the_old_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupt: BaseException
) -> None:
    write_package(OLD, tmp_path / "out")

    def fail(descriptor: int) -> None:
        raise interrupt

    monkeypatch.setattr(os, "fsync", fail)
    expected = "No space left on device.*\n.*free some space" if isinstance(interrupt, OSError) else "^$"
    with pytest.raises((EdgeqError, KeyboardInterrupt), match=expected):
        write_package(NEW, tmp_path / "out")
    assert content(tmp_path) == {f"out/{path}": data for path, data in OLD.items()}


def test_one_file_is_old_or_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(b"old", tmp_path / "deep" / "file")

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fail)
        with pytest.raises(EdgeqError, match="No space left"):
            write_file(b"new", tmp_path / "deep" / "file")
    assert content(tmp_path) == {"deep/file": b"old"}
    write_file(b"new", tmp_path / "deep" / "file")
    assert content(tmp_path) == {"deep/file": b"new"}


@pytest.mark.usefixtures("exchange_way")
def test_a_failed_swap_leaves_the_old_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(OLD, tmp_path / "out")
    rename = os.rename

    def busy(source: Path, target: Path) -> None:
        if Path(source).suffix == ".tmp":
            raise OSError(errno.EBUSY, "Device or resource busy")
        rename(source, target)

    def busy_exchange(a: Path, b: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(os, "rename", busy)
    if exchange_module._renameat2.__name__ == "_renameat2":
        monkeypatch.setattr(exchange_module, "_renameat2", busy_exchange)
    with pytest.raises(EdgeqError, match="busy"):
        write_package(NEW, tmp_path / "out")
    assert content(tmp_path) == {f"out/{path}": data for path, data in OLD.items()}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"holiday.jpg": b""}, "not an edgeq package"),
        ({"manifest.json": b'{"name": "a web page"}'}, "not an edgeq package"),
        ({"manifest.json": b"["}, "not an edgeq package"),
        ({"manifest.json": b"[" * 100_000}, "not an edgeq package"),
        ({"manifest.json": b'{"format": "edgeq-package-1"}'}, "not an edgeq package"),
        (OLD | {"src/my_notes.txt": b""}, "a file that is not of the package: 'src/my_notes.txt'"),
    ],
)
def test_refuses_what_it_did_not_write(tmp_path: Path, files: Files, message: str) -> None:
    for path, data in files.items():
        (tmp_path / "out" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / path).write_bytes(data)
    with pytest.raises(UsageError, match=message):
        write_package(NEW, tmp_path / "out")
    assert content(tmp_path / "out") == files


def test_refuses_a_file_and_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UsageError, match="is a file"):
        write_package(NEW, tmp_path / "file")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for folder in (Path("."), Path(".."), tmp_path / "here"):
        with pytest.raises(UsageError, match="a folder of its own"):
            write_package(NEW, folder)
