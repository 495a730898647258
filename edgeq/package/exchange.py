"""Swapping two folders in one step."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# The kernel or the file system does not know the flag, or a sandbox hides the call.
_NOT_HERE = {errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.ENOTSUP}


def exchange(a: Path, b: Path) -> None:
    """Gives folder `a` the name of `b` and the reverse.

    One atomic step with renameat2(2) on Linux. Where that is missing, three renames: for an instant neither folder
    has the name `b`, but both are always whole.
    """
    try:
        _renameat2(a, b)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        _three_renames(a, b)


def _renameat2(a: Path, b: Path) -> None:
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        raise OSError(errno.ENOSYS, "no renameat2 in the C library")
    if function(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(b))


def _three_renames(a: Path, b: Path) -> None:
    aside = a.with_name(a.name + "-old")
    os.rename(b, aside)
    try:
        os.rename(a, b)
    except OSError:
        os.rename(aside, b)
        raise
    os.rename(aside, a)
