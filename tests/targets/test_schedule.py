"""Schedules: within the core's instruction cache, chosen by shape, overridden by the tuner."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgeq.targets.dsp import schedule
from edgeq.targets.dsp.schedule import (
    LARGEST,
    Schedule,
    Shape,
    choosing,
    default_schedule,
    schedule_for,
    tuned_schedule,
    windows_for,
)
from edgeq.targets.load import load_target

M4 = load_target("cortex-m4")
SHAPE = Shape(segments=3, words=24, pairs=1, blocks=16)


@pytest.mark.parametrize("pairs", [1, 2])
def test_the_inner_loop_fits_the_instruction_cache(pairs: int) -> None:
    found = default_schedule(replace(SHAPE, pairs=pairs), M4)
    assert found.unroll * pairs * schedule.WORD_CODE + schedule.BLOCK_CODE <= 1024
    assert found.straight <= found.unroll and not found.near
    assert windows_for(M4) * schedule.WINDOW_CODE + schedule.BLOCK_CODE <= 1024


def test_a_core_without_such_a_limit_takes_the_fewest_instructions() -> None:
    m33 = load_target("cortex-m33")
    assert default_schedule(SHAPE, m33) == LARGEST
    assert windows_for(m33) == schedule.WINDOWS


def test_the_table_comes_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned = Schedule(8, 8, near=True)
    monkeypatch.setattr(schedule, "_tuned", lambda: {("cortex-m4", "3x24 words, 1 pairs, 16 blocks"): tuned})
    assert schedule_for(SHAPE, M4) == tuned
    assert schedule_for(replace(SHAPE, blocks=4), M4) == default_schedule(SHAPE, M4)
    assert schedule_for(SHAPE, load_target("cortex-m33")) == LARGEST


def test_the_tuner_comes_before_the_table() -> None:
    forced = Schedule(2, 2)
    with choosing(lambda shape, target: forced):
        assert schedule_for(SHAPE, M4) == forced
    assert schedule_for(SHAPE, M4) == tuned_schedule(SHAPE, M4) != forced
