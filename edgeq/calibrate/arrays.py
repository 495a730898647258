"""Arrays in .npy and .npz files, read in pieces: a file may be far larger than memory."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import numpy as np
from numpy.lib import format as npy

from edgeq.errors import CalibrationError

READ_ERRORS = (OSError, EOFError, ValueError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What a damaged, hostile, encrypted or missing file makes the standard library and NumPy raise."""


class ArraySource(Protocol):
    """An array whose first axis can be walked."""

    @property
    def path(self) -> Path | None:
        """The file it is in, for errors."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def rows(self, size: int) -> Iterator[np.ndarray]:
        """The array in pieces of at most `size` along its first axis."""


@dataclass(frozen=True, eq=False)
class StoredArray:
    """One array in a file: the whole of a .npy, or one member of a .npz.

    Attributes:
        path: The file.
        member: The member's name inside a .npz; None for a .npy.
        shape, dtype: As the array's header states them.
        fortran: Stored column by column, so that pieces cannot be read without the whole.
    """

    path: Path
    member: str | None
    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool

    def rows(self, size: int) -> Iterator[np.ndarray]:
        """The array in pieces of at most `size` along its first axis.

        Raises:
            CalibrationError: The file is shorter than its header says, or damaged.
        """
        try:
            with _open(self.path, self.member) as stream:
                if self.fortran:
                    whole = npy.read_array(stream, allow_pickle=False)
                    yield from (whole[i : i + size] for i in range(0, len(whole), size))
                else:
                    _read_header(stream)
                    yield from self._pieces(stream, size)
        except READ_ERRORS as error:
            raise unreadable(self.path, error) from error

    def _pieces(self, stream: BinaryIO, size: int) -> Iterator[np.ndarray]:
        row = int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize
        for start in range(0, self.shape[0], size):
            count = min(size, self.shape[0] - start)
            data = stream.read(count * row)
            if len(data) != count * row:
                raise EOFError("the array is shorter than its header says")
            yield np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])


def stored_arrays(path: Path) -> dict[str, StoredArray]:
    """The arrays of a .npz by name, or the one array of a .npy under its file name without ending.

    Only headers are read, and nothing is unpickled.

    Raises:
        CalibrationError: The file is missing, damaged, or holds Python objects.
    """
    try:
        if path.suffix != ".npz":
            return {path.stem: _stored(path, None)}
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name.removesuffix(".npy"): _stored(path, name) for name in members}
    except READ_ERRORS as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> CalibrationError:
    """The error for a file that cannot be read."""
    return CalibrationError(
        f"cannot read the array file: {error}", file=path, fix="write it with numpy.save or numpy.savez"
    )


def _stored(path: Path, member: str | None) -> StoredArray:
    with _open(path, member) as stream:
        shape, fortran, dtype = _read_header(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not loaded")
    if min(shape, default=0) < 0:
        raise ValueError("a dimension is negative")
    return StoredArray(path, member, shape, dtype, fortran)


def _open(path: Path, member: str | None) -> BinaryIO:
    if member is None:
        return path.open("rb")
    with zipfile.ZipFile(path) as archive:
        return cast(BinaryIO, archive.open(member))


def _read_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    read = npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else npy.read_array_header_2_0
    return read(stream)
