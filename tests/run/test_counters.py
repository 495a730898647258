from __future__ import annotations

import numpy as np
import pytest

from edgeq.run.counters import COUNTERS


def timer_reading(instructions: int, clock: int) -> tuple[int, int]:
    """What a timer of 32 bits and a seconds counter show after so many instructions of 128 ns, rounded down."""
    nanoseconds = instructions * 128
    return nanoseconds * clock // 10**9 % 2**32, nanoseconds // 10**9


@pytest.mark.parametrize(("counter", "clock"), [("mps2_timer", 25_000_000), ("iotkit_timer", 20_000_000)])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 1_000_003, 1_342_177_279, 1_342_177_280, 50_000_000_001])
@pytest.mark.parametrize("start", [0, 1, 77, 7_812_499, 1_342_177_000])
def test_timer_readings_give_instructions_exactly_even_when_the_timer_wraps(
    start: int, count: int, counter: str, clock: int
) -> None:
    (low0, high0), (low1, high1) = timer_reading(start, clock), timer_reading(start + count, clock)
    decoded = COUNTERS[counter].instructions(np.array([low1 - low0]), np.array([high1 - high0]))
    assert decoded.tolist() == [count]


@pytest.mark.parametrize("count", [1, 3, 1_000_003, 50_000_000_001])
def test_readings_of_a_wide_counter_give_instructions_exactly(count: int) -> None:
    ticks = (77 + count) * 128 * 32 // 1000 - 77 * 128 * 32 // 1000
    decoded = COUNTERS["sse300_counter"].instructions(np.array([ticks % 2**32]), np.array([ticks // 2**32]))
    assert decoded.tolist() == [count]


def test_retired_instructions_carry_from_the_low_word() -> None:
    decoded = COUNTERS["minstret"].instructions(np.array([5 - (2**32 - 3)]), np.array([1]))
    assert decoded.tolist() == [8]
