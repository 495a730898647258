"""Copies as walks: the same elements in the same places, and the input in the order of its memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from lower.operators import Case, copies

from edgeq.errors import UnsupportedError
from edgeq.program.ops import Copy, View
from edgeq.program.semantics import execute
from edgeq.rtl.walk import Walk, walk


def follow(way: Walk, x: np.ndarray, y_size: int) -> tuple[np.ndarray, int]:
    """What the hardware does, element by element: the tensor that it writes, and its cycles."""
    y, rounds = np.zeros(y_size, x.dtype), [0] * len(way.axes)
    x_at, y_at, cycles = way.x_start, way.y_start, way.x_start
    while True:
        y[y_at] = x[x_at]
        goes_on = next((i for i, n in enumerate(rounds) if n < way.sizes[i] - 1), None)
        if goes_on is None:
            return y, cycles + way.tail
        rounds = [0] * goes_on + [rounds[goes_on] + 1] + rounds[goes_on + 1 :]
        assert way.advances[goes_on] >= 0
        x_at, y_at = x_at + way.advances[goes_on], y_at + way.steps[goes_on]
        cycles += max(way.advances[goes_on], 1)


@given(copies())
def test_a_walk_copies_what_the_interpreter_copies(case: Case) -> None:
    op = case.op
    op = Copy(op.name, op.y, op.x, op.x_view, op.y_view)
    x = np.arange(1, case.buffers["x"].size + 1, dtype=np.int32)
    memory = {"x": x[None], "y": np.zeros((1, case.buffers["y"].size), np.int32)}
    execute(op, memory)
    way = walk(op, x.size)
    written, cycles = follow(way, x, case.buffers["y"].size)
    assert (written == memory["y"][0]).all()
    assert cycles == way.cycles


def test_elements_that_overlap_are_refused() -> None:
    windows = View((4, 3), (1, 1))
    with pytest.raises(UnsupportedError, match="overlap") as caught:
        walk(Copy("windows", "y", "x", windows, View((4, 3), (3, 1))), 6)
    assert caught.value.node == "windows"
