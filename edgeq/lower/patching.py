"""Chooses what to run in patches, for a target."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from edgeq.lower.lower import lower
from edgeq.program.planner import arena_bound
from edgeq.program.rewrites import share_memory
from edgeq.program.rewrites.patches import Patches, patch, stages

if TYPE_CHECKING:
    from edgeq.lower.lowered import Lowered
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

STRIPS = (2, 3, 4, 6, 8, 12, 16)
"""Numbers of strips to try."""

TRIES = 3
"""So many of the most promising candidates are lowered: only then is their scratch memory known."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A program with patches.

    Attributes:
        arena: Bytes that it needs at least, scratch memory and rows written over apart.
    """

    patches: Patches
    program: Program
    arena: int


def smallest(program: Program, target: Target) -> tuple[Lowered, Patches] | None:
    """The program in the patches that need the smallest arena; None where none of its stages can run in patches."""
    best = sorted(_candidates(program), key=lambda c: (c.arena, c.program.macs))[:TRIES]
    tried = [(lower(c.program, target), c.patches) for c in best]
    return min(tried, key=lambda pair: (pair[0].plan.size, pair[0].program.macs), default=None)


def cheapest(program: Program, target: Target, fits: Callable[[Lowered], bool]) -> tuple[Lowered, Patches] | None:
    """The program in the patches that compute least again, of those that fit; None where none of those tried does.

    Args:
        fits: Whether a program is small enough.
    """
    whole = arena_bound(program)
    better = sorted((c for c in _candidates(program) if c.arena < whole), key=lambda c: (c.program.macs, c.arena))
    tried = ((lower(c.program, target), c.patches) for c in _improving(better))
    return next((pair for pair in islice(tried, TRIES * len(STRIPS)) if fits(pair[0])), None)


def _improving(candidates: list[Candidate]) -> Iterator[Candidate]:
    """Those that need less memory than all before them."""
    least = None
    for candidate in candidates:
        if least is None or candidate.arena < least:
            least = candidate.arena
            yield candidate


def _candidates(program: Program) -> Iterator[Candidate]:
    for end in stages(program):
        rows = program.buffer[program.ops[end - 1].y].shape[1]
        for strips in (count for count in STRIPS if count <= rows):
            patches = Patches(end, strips)
            patched = share_memory(patch(program, patches))
            yield Candidate(patches, patched, arena_bound(patched))
