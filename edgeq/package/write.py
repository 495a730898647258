"""Puts a package on disk as a whole: an interrupted write leaves the old package or the new one, never half."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgeq.errors import EdgeqError, UsageError
from edgeq.package.exchange import exchange
from edgeq.package.manifest import MANIFEST


def write_package(files: Mapping[str, bytes], out_dir: Path) -> None:
    """Writes `files` (content by relative path) as the folder `out_dir`, replacing an older package there.

    A killed process may leave a hidden folder `.NAME.*.tmp` beside it, which nothing reads.

    Raises:
        UsageError: `out_dir` is not a folder that may be replaced: see `check_replaceable`.
        EdgeqError: The disk is full or the place cannot be written; what was there is untouched.
    """
    out = out_dir.resolve()
    check_replaceable(out)
    with _explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with _temporary_sibling(out) as new:
            _write_files(files, new)
            _put_in_place(new, out)
            _sync(out.parent)


def write_file(content: bytes, path: Path) -> None:
    """Writes one file as a whole: readers see the old content or the new.

    Raises:
        EdgeqError: The disk is full or the place cannot be written; what was there is untouched.
    """
    out = path.resolve()
    new = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    with _explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_files({new.name: content}, new.parent)
            os.replace(new, out)
            _sync(out.parent)
        finally:
            new.unlink(missing_ok=True)


def check_replaceable(out_dir: Path) -> None:
    """Refuses a place where writing a package would destroy what edgeq did not write.

    Raises:
        UsageError: It is a file, the current folder or one above it, or holds anything but an edgeq package.
    """
    out = out_dir.resolve()
    if Path.cwd().is_relative_to(out):
        raise UsageError("the package needs a folder of its own", file=out, fix="-o NEW_FOLDER")
    if out.exists() and not out.is_dir():
        raise UsageError("the output is a file, not a folder", file=out, fix="-o NEW_FOLDER")
    if not out.exists() or not any(out.iterdir()):
        return
    known = _listed_files(out / MANIFEST)
    if known is None:
        raise UsageError("the output folder is not empty and not an edgeq package", file=out, fix="-o NEW_FOLDER")
    foreign = sorted(str(p.relative_to(out)) for p in out.rglob("*") if not p.is_dir() or p.is_symlink())
    foreign = [path for path in foreign if path not in known]
    if foreign:
        raise UsageError(
            f"the output folder holds a file that is not of the package: {foreign[0]!r}",
            file=out,
            fix="move it elsewhere, or choose another folder with -o",
        )


def _listed_files(manifest: Path) -> set[str] | None:
    """Paths of an edgeq package of any version, the manifest's included; None if this is not one."""
    try:
        content = json.loads(manifest.read_bytes())
        is_ours = str(content["format"]).startswith("edgeq-package-")
        return {MANIFEST, *content["files"]} if is_ours else None
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return None


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    """Turns a refusal of the operating system into an error for the user."""
    try:
        yield
    except OSError as error:
        fix = "free some space" if error.errno == errno.ENOSPC else "choose another place with -o"
        raise EdgeqError(f"cannot write the output: {error.strerror or error}", file=out, fix=fix) from error


@contextmanager
def _temporary_sibling(out: Path) -> Iterator[Path]:
    """A new folder beside `out`, on the same file system; removed at the end with whatever it then holds."""
    path = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _write_files(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for path in {(folder / name).parent for name in files} | {folder}:
        _sync(path)


def _put_in_place(new: Path, out: Path) -> None:
    """Gives `new` the name `out`; what had it (if anything) is then called `new`."""
    if out.exists():
        exchange(new, out)
    else:
        os.rename(new, out)


def _sync(folder: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
