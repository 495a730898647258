"""How the inner loops of the matrix-multiply kernels are laid out for a core: unrolled as far as its caches like it.

`schedules.toml` holds what `tools/tune_kernels` found to take the fewest estimated cycles; other shapes take a default
that keeps the inner loop within the instruction cache.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from edgeq.cycles.core import load_core

if TYPE_CHECKING:
    from edgeq.targets.target import Target

TABLE = files("edgeq.targets.dsp") / "schedules.toml"

WORD_CODE = 26
"""Bytes of code that a word of the unrolled loop takes."""

BLOCK_CODE = 190
"""Bytes of code of a block besides: requantization of its outputs, loops."""


WINDOWS = 25
"""Windows of a depthwise convolution in one unrolled step: more no longer pay."""

WINDOW_CODE = 52
"""Bytes of code of such a window."""


@dataclass(frozen=True)
class Schedule:
    """A layout of the inner loops.

    Attributes:
        unroll: Words of one unrolled step at most.
        straight: Words up to which a whole window is unrolled.
        near: Whether the weights of a group of channels are copied to working memory, for all blocks of a row.
    """

    unroll: int
    straight: int
    near: bool = False


@dataclass(frozen=True)
class Shape:
    """What a schedule is chosen for.

    Attributes:
        segments: Kernel rows.
        words: Of a segment.
        pairs: Pairs of channels in a block.
        blocks: Blocks that use the same weights before they change.
    """

    segments: int
    words: int
    pairs: int
    blocks: int

    def __str__(self) -> str:
        return f"{self.segments}x{self.words} words, {self.pairs} pairs, {self.blocks} blocks"


LARGEST = Schedule(unroll=48, straight=72)
"""Where instructions come as fast as the core: fewest instructions."""

CANDIDATES = (
    LARGEST,
    *(
        Schedule(unroll, straight, near)
        for near in (False, True)
        for unroll, straight in ((32, 32), (24, 24), (16, 16))
    ),
)
"""What the tuner tries."""

Choice = Callable[[Shape, "Target"], Schedule]
"""From the shape of an inner loop to its schedule."""

_choice: ContextVar[Choice | None] = ContextVar("choice", default=None)


@contextmanager
def choosing(choice: Choice) -> Iterator[None]:
    """Within this context `choice` is asked in place of the table."""
    token = _choice.set(choice)
    try:
        yield
    finally:
        _choice.reset(token)


def schedule_for(shape: Shape, target: Target) -> Schedule:
    """The schedule for kernels of this shape."""
    return (_choice.get() or tuned_schedule)(shape, target)


def tuned_schedule(shape: Shape, target: Target) -> Schedule:
    """The schedule of the table if it has one, else the largest steps that the instruction cache holds."""
    return _tuned().get((target.cpu, str(shape))) or default_schedule(shape, target)


def default_schedule(shape: Shape, target: Target) -> Schedule:
    """The largest steps that the instruction cache holds."""
    cache_bytes = _instruction_cache(target)
    if cache_bytes is None:
        return LARGEST
    words = max(2, (cache_bytes - BLOCK_CODE) // (WORD_CODE * shape.pairs))
    return Schedule(words, words)


def windows_for(target: Target) -> int:
    """Windows of a depthwise convolution that one unrolled step makes at most."""
    cache_bytes = _instruction_cache(target)
    return WINDOWS if cache_bytes is None else min(WINDOWS, (cache_bytes - BLOCK_CODE) // WINDOW_CODE)


def _instruction_cache(target: Target) -> int | None:
    """Bytes of code that run without waiting for the flash memory; None where that is no concern."""
    core = load_core(target.cpu)
    return None if core is None or core.flash is None else core.flash.code_units * core.flash.unit_bytes


@cache
def _tuned() -> dict[tuple[str, str], Schedule]:
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {(cpu, shape): Schedule(**row) for cpu, rows in table.items() for shape, row in rows.items()}
