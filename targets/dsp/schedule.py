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
from typing import TYPE_CHECKING, NamedTuple

from edgeq.cycles.core import load_core

if TYPE_CHECKING:
    from edgeq.cycles.core import Flash
    from edgeq.targets.target import Target

TABLE = files("edgeq.targets.dsp") / "schedules.toml"

BLOCK_CODE, PIXEL_CODE = 130, 30
"""Bytes of code of a block besides the unrolled loop: loops, and for each pixel requantization of its outputs."""

STEP_CODE = 60
"""Bytes of code that a loop over steps takes, where a window is more than one."""

BEYOND = 32
"""Pixels of a row for each that does not fill a block, from which on blocks of three take the fewest cycles."""

UNPACKING_CODE = 200
"""Bytes of code that unpacks weights, which runs in turn with that of blocks."""

NUMBERS = 24
"""Bytes of constants that a block reads besides its weights."""


WINDOWS = 25
"""Windows of a depthwise convolution in one unrolled step: more no longer pay."""

WINDOW_CODE = 52
"""Bytes of code of such a window."""

WINDOWS_CODE = 190
"""Bytes of code around them."""


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


class Block(NamedTuple):
    """Outputs that are computed together: neighbouring pixels times pairs of channels."""

    pixels: int
    pairs: int


WIDE, SQUARE, NARROW, SINGLE = Block(3, 1), Block(2, 2), Block(2, 1), Block(1, 4)
"""Of the fewest instructions, of the fewest cycles, where the weights of the latter are too many, and of one pixel."""


@dataclass(frozen=True)
class Shape:
    """What a schedule is chosen for.

    Attributes:
        segments: Kernel rows.
        words: Of a segment.
        pairs: Pairs of channels in a block.
        pixels: Of a block.
        blocks: Blocks that use the same weights before they change.
    """

    segments: int
    words: int
    pairs: int
    pixels: int
    blocks: int

    def __str__(self) -> str:
        block = f"{self.pixels} pixels, {self.pairs} pairs"
        return f"{self.segments}x{self.words} words, {block}, {self.blocks} blocks"

    @property
    def word_code(self) -> int:
        """Bytes of code that a word of input takes, unrolled: loads, SXTB16 and SMLAD, of two words at a time."""
        return 2 * (self.pixels + self.pairs * (3 + 4 * self.pixels))

    @property
    def block_code(self) -> int:
        """Bytes of code of a block besides."""
        return BLOCK_CODE + PIXEL_CODE * self.pixels * self.pairs

    @property
    def weight_bytes(self) -> int:
        """Of the channels of a block."""
        return 4 * self.segments * self.words * self.pairs


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
    """The largest steps that the instruction cache holds; weights near where that of constants does not hold them."""
    flash = _flash(target)
    if flash is None:
        return LARGEST
    straight = cached_words(target, shape.block_code, shape.word_code)
    unroll = cached_words(target, shape.block_code + STEP_CODE, shape.word_code)
    return Schedule(unroll, straight, near=shape.blocks > 1 and not is_held(shape, target))


def is_held(shape: Shape, target: Target) -> bool:
    """Whether the cache of constants holds the weights of a block."""
    flash = _flash(target)
    return flash is None or shape.weight_bytes + NUMBERS <= flash.data_units * flash.unit_bytes


def cached_words(target: Target, code: int, word_code: int) -> int:
    """Words of input that one unrolled step takes at most.

    Args:
        code: Bytes of code besides the step.
        word_code: Bytes of code of a word.
    """
    flash = _flash(target)
    if flash is None:
        return LARGEST.straight
    return max(2, (flash.code_units * flash.unit_bytes - code) // word_code)


def block_for(words: int, outputs: int, pixels: int, target: Target, *, packed: bool = False) -> Block:
    """The block of the fewest cycles where a row has more than one pixel.

    Three pixels take the fewest instructions, if their window needs no loop within the instruction cache. Square blocks
    take the fewest cycles, but twice as many weights at a time, which a cache of constants may not hold.

    Args:
        words: Of a window.
        outputs: Channels.
        pixels: Of a row.
        packed: Whether weights are unpacked for each group of channels.
    """
    if _flash(target) is None:
        return WIDE
    wide, narrow = (Shape(1, words, block.pairs, block.pixels, 1) for block in (WIDE, NARROW))
    beyond = -pixels % WIDE.pixels if packed else 0
    code = wide.block_code + UNPACKING_CODE * packed
    if words <= cached_words(target, code, wide.word_code) and beyond * BEYOND <= pixels:
        return WIDE
    four = outputs % (2 * SQUARE.pairs) in (0, 2 * SQUARE.pairs - 1)
    return SQUARE if four and (packed or not is_held(narrow, target)) else NARROW


def single_block(grouped: bool, outputs: int, target: Target) -> Block:
    """The block of the fewest cycles where a row has one pixel.

    Args:
        grouped: Whether words come in twos.
        outputs: Channels.
    """
    if _flash(target) is not None and outputs % (2 * SINGLE.pairs) in (0, 2 * SINGLE.pairs - 1):
        return SINGLE
    return Block(1, 2 if grouped and outputs % 4 in (0, 3) else 1)


def block_sizes(pixels: int, most: int) -> list[tuple[int, int]]:
    """Into which blocks a row is divided: pixels of one, and how many; a single pixel is no block if that can be.

    Args:
        most: Pixels of a block.
    """
    blocks, rest = divmod(pixels, most)
    if rest == 1 and blocks and most > 2:
        blocks, rest = blocks - 1, most + 1
    twos = rest // 2 if most > 2 else 0
    found = [(most, blocks), (2, twos), (1, rest - 2 * twos)]
    return [(size, count) for size, count in found if count]


def windows_for(target: Target) -> int:
    """Windows of a depthwise convolution that one unrolled step makes at most."""
    flash = _flash(target)
    if flash is None:
        return WINDOWS
    return min(WINDOWS, (flash.code_units * flash.unit_bytes - WINDOWS_CODE) // WINDOW_CODE)


def _flash(target: Target) -> Flash | None:
    """The flash memory that code and constants have to be waited for; None where that is no concern."""
    core = load_core(target.cpu)
    return None if core is None else core.flash


@cache
def _tuned() -> dict[tuple[str, str], Schedule]:
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {(cpu, shape): Schedule(**row) for cpu, rows in table.items() for shape, row in rows.items()}
