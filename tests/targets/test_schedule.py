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
SHAPE = Shape(segments=3, words=24, pairs=1, pixels=2, blocks=16)


@pytest.mark.parametrize("pairs", [1, 2])
def test_the_inner_loop_fits_the_instruction_cache(pairs: int) -> None:
    shape = replace(SHAPE, pairs=pairs)
    found = default_schedule(shape, M4)
    assert found.straight * shape.word_code + shape.block_code <= 1024
    assert found.unroll * shape.word_code + shape.block_code + schedule.STEP_CODE <= 1024
    assert windows_for(M4) * schedule.WINDOW_CODE + schedule.WINDOWS_CODE <= 1024


def test_a_core_without_such_a_limit_takes_the_fewest_instructions() -> None:
    m33 = load_target("cortex-m33")
    assert default_schedule(SHAPE, m33) == LARGEST
    assert windows_for(m33) == schedule.WINDOWS


def test_the_table_comes_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned = Schedule(8, 8, near=True)
    monkeypatch.setattr(schedule, "_tuned", lambda: {("cortex-m4", str(SHAPE)): tuned})
    assert schedule_for(SHAPE, M4) == tuned
    assert schedule_for(replace(SHAPE, blocks=4), M4) == default_schedule(SHAPE, M4)
    assert schedule_for(SHAPE, load_target("cortex-m33")) == LARGEST


def test_the_tuner_comes_before_the_table() -> None:
    forced = Schedule(2, 2)
    with choosing(lambda shape, target: forced):
        assert schedule_for(SHAPE, M4) == forced
    assert schedule_for(SHAPE, M4) == tuned_schedule(SHAPE, M4) != forced


def test_weights_that_the_cache_of_constants_does_not_hold_are_brought_near() -> None:
    assert default_schedule(SHAPE, M4).near
    assert not default_schedule(replace(SHAPE, words=8), M4).near
    assert not default_schedule(replace(SHAPE, blocks=1), M4).near


@pytest.mark.parametrize("pixels", range(1, 40))
@pytest.mark.parametrize("most", [2, 3])
def test_blocks_cover_a_row(pixels: int, most: int) -> None:
    found = schedule.block_sizes(pixels, most)
    assert sum(size * blocks for size, blocks in found) == pixels
    assert all(1 <= size <= most for size, _ in found)
    assert (1, 1) in found or all(size > 1 for size, _ in found)
