"""The result of memory planning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ALIGNMENT = 16


@dataclass(frozen=True)
class Placed:
    """Memory of one or more buffers, which follow each other in place.

    Attributes:
        names: Of the buffers (or scratch memory).
        offset, size: Bytes.
        first, last: Indices of the operators from and to which it is in use; inputs and outputs are so at the ends.
    """

    names: tuple[str, ...]
    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """Where buffers lie in the arena, in bytes.

    Attributes:
        offsets: By buffer (or scratch) name.
        size: Bytes of the arena.
        lower_bound: No plan is smaller: what some operator's operands and the other live buffers need together, or
            the size itself where every better plan has been excluded.
        blocks: What lies in the arena, and when.
        alignment: That the arena needs, and that every offset has.
    """

    offsets: Mapping[str, int]
    size: int
    lower_bound: int
    blocks: tuple[Placed, ...] = ()
    alignment: int = ALIGNMENT

    @property
    def ratio(self) -> float:
        """size / lower_bound; 1 where nothing is left to gain."""
        return self.size / self.lower_bound if self.lower_bound else 1.0


def aligned(nbytes: int) -> int:
    """`nbytes` rounded up to the alignment."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT
