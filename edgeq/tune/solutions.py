"""Rounded layers that the processes of a search share: each is solved by one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import numpy as np

from edgeq.reconstruct.layer import Solution


class Solutions(MutableMapping[bytes, Solution]):
    """Solutions by the digest of what they depend on; new ones are written to a folder, where others look for them.

    Args:
        folder: None, or one that is not there (on another machine of a cluster), keeps them in memory alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder if folder is not None and folder.is_dir() else None
        self._kept: dict[bytes, Solution] = {}

    def __getitem__(self, key: bytes) -> Solution:
        if key not in self._kept:
            self._kept[key] = self._read(key)
        return self._kept[key]

    def __setitem__(self, key: bytes, solution: Solution) -> None:
        self._kept[key] = solution
        if self._folder is not None:
            path = self._path(self._folder, key)
            unfinished = path.with_suffix(f".{os.getpid()}")
            with unfinished.open("wb") as file:
                np.savez(file, integers=solution.integers, scale=solution.scale, bias=solution.bias)
            unfinished.replace(path)

    def _read(self, key: bytes) -> Solution:
        if self._folder is None:
            raise KeyError(key)
        try:
            with np.load(self._path(self._folder, key)) as arrays:
                return Solution(arrays["integers"], arrays["scale"], arrays["bias"])
        except FileNotFoundError:
            raise KeyError(key) from None

    @staticmethod
    def _path(folder: Path, key: bytes) -> Path:
        return folder / f"{key.hex()}.npz"

    def __delitem__(self, key: bytes) -> None:
        del self._kept[key]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)
