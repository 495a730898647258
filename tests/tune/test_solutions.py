"""Processes of a search share what they solved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.reconstruct.layer import Solution
from edgeq.tune.solutions import Solutions

SOLVED = Solution(
    *(np.arange(n, dtype=np.float32).reshape(shape) for n, shape in ((12, (1, 3, 4)), (3, (1, 3)), (3, (1, 3))))
)


def test_what_one_process_solves_another_finds(tmp_path: Path) -> None:
    one, other = Solutions(tmp_path), Solutions(tmp_path)
    assert b"key" not in other
    one[b"key"] = SOLVED
    assert b"key" in other
    for name in ("integers", "scale", "bias"):
        assert np.array_equal(getattr(other[b"key"], name), getattr(SOLVED, name))
        assert getattr(other[b"key"], name).dtype == np.float32


@pytest.mark.parametrize("folder", [None, Path("/nowhere/at/all")])
def test_without_a_folder_they_stay_in_memory(folder: Path | None) -> None:
    alone = Solutions(folder)
    alone[b"key"] = SOLVED
    assert alone[b"key"] is SOLVED and len(alone) == 1
    assert b"key" not in Solutions(folder)
