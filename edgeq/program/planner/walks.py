"""Images that are made part by part while another one is used up part by part, as patch-based inference does it.

The one that is made may begin so far below the other that each of its parts lies below all that is still to be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edgeq.program.planner.blocks import Block, Overlap
from edgeq.program.planner.plan import aligned
from edgeq.program.program import Program


class Access(NamedTuple):
    """A read or write by operator `at`: bytes from `first` up to but not including `last`."""

    at: int
    first: int
    last: int


Accesses = dict[str, list[Access]]


def walks(program: Program, blocks: Sequence[Block]) -> Iterator[Overlap]:
    """Pairs of blocks that may share memory because parts of one are written behind the parts read of the other."""
    reads, writes = _accesses(program)
    outputs = {port.buffer for port in program.outputs}
    begin = {block.names[0]: i for i, block in enumerate(blocks)}
    end = {block.names[-1]: i for i, block in enumerate(blocks)}
    for y in (name for name, made in writes.items() if name in begin and len(made) > 1):
        for x in (name for name in reads if name in end and name not in outputs and name != y):
            if _is_used_up(reads[x], writes.get(x, []), writes[y]):
                distance = aligned(max(0, _distance(reads[x], writes[y])))
                if distance < blocks[begin[y]].size:
                    yield Overlap(end[x], begin[y], distance)


def _accesses(program: Program) -> tuple[Accesses, Accesses]:
    """Reads and writes of each buffer that has memory of its own."""
    reads: Accesses = {}
    writes: Accesses = {}
    for index, op in enumerate(program.ops):
        for names, into in ((op.reads, reads), (op.writes, writes)):
            for part in (program.buffer[name] for name in names):
                first = part.offset * part.itemsize
                into.setdefault(program.memory(part.name), []).append(Access(index, first, first + part.nbytes))
    return reads, writes


def _is_used_up(reads: list[Access], made: list[Access], writes: list[Access]) -> bool:
    """True where x is complete before y is begun, and not read any more once y is complete."""
    return all(access.at < writes[0].at for access in made) and (writes[0].at <= reads[-1].at <= writes[-1].at)


def _distance(reads: list[Access], writes: list[Access]) -> int:
    """How far below x y must begin, in bytes, so that no write reaches what is read then or later."""
    ahead = ((write, [read.first for read in reads if read.at >= write.at]) for write in writes)
    return max(write.last - min(firsts) for write, firsts in ahead if firsts)
