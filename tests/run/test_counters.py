from __future__ import annotations

import numpy as np
import pytest

from edgeq.run.counters import COUNTERS


def mps2_reading(instructions: int) -> tuple[int, int]:
    """What timer (25 MHz, 32 bits) and seconds counter show after so many instructions of 128 ns, rounded down."""
    nanoseconds = instructions * 128
    return nanoseconds // 40 % 2**32, nanoseconds // 10**9


@pytest.mark.parametrize("count", [0, 1, 2, 3, 1_000_003, 1_342_177_279, 1_342_177_280, 50_000_000_001])
@pytest.mark.parametrize("start", [0, 1, 77, 7_812_499, 1_342_177_000])
def test_timer_readings_give_instructions_exactly_even_when_the_timer_wraps(start: int, count: int) -> None:
    (low0, high0), (low1, high1) = mps2_reading(start), mps2_reading(start + count)
    decoded = COUNTERS["mps2_timer"].instructions(np.array([low1 - low0]), np.array([high1 - high0]))
    assert decoded.tolist() == [count]


def test_retired_instructions_carry_from_the_low_word() -> None:
    decoded = COUNTERS["minstret"].instructions(np.array([5 - (2**32 - 3)]), np.array([1]))
    assert decoded.tolist() == [8]
