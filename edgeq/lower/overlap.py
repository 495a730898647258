"""Whether the pointers that a call passes reach the same bytes of the arena."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edgeq.lower.lowered import Argument
    from edgeq.program.planner import Plan
    from edgeq.program.program import Program


class Memory(NamedTuple):
    """Bytes of the arena from `first` up to but not including `last`."""

    first: int
    last: int


def memories(arguments: Sequence[Argument], program: Program, plan: Plan, scratch_bytes: int) -> tuple[Memory, ...]:
    """Where the arguments of a call lie that lie in the arena.

    Args:
        scratch_bytes: Size of the call's working memory.
    """
    placed = (argument for argument in arguments if argument.name in plan.offsets)
    sizes = ((a.name, scratch_bytes if a.kind == "scratch" else program.buffer[a.name].nbytes) for a in placed)
    return tuple(Memory(plan.offsets[name], plan.offsets[name] + nbytes) for name, nbytes in sizes)


def overlap(found: Iterable[Memory]) -> bool:
    """True if two of them have bytes in common."""
    return any(a.first < b.last and b.first < a.last for a, b in combinations(found, 2))
