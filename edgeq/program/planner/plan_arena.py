"""Plans the arena of a program."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from edgeq.program.planner.blocks import overlaps, program_blocks
from edgeq.program.planner.interference import interference, lower_bound
from edgeq.program.planner.placement import place, top
from edgeq.program.planner.plan import Placed, Plan
from edgeq.program.planner.walks import walks
from edgeq.program.program import Program


def arena_bound(program: Program) -> int:
    """Bytes of arena that no plan can be below, but for scratch memory and what kernels permit."""
    blocks = program_blocks(program, {})
    return lower_bound(blocks, walks(program, blocks))


def plan_arena(
    program: Program,
    scratch: Mapping[str, tuple[int, int]] | None = None,
    distances: Mapping[int, int] | None = None,
    in_place: Collection[int] = (),
    scratch_distances: Mapping[str, int] | None = None,
) -> Plan:
    """Buffers whose lifetimes do not meet may share memory; so may operand and result of an operator that permits it.

    Args:
        scratch: Further buffers: name -> (index of the op that needs it, bytes).
        distances: By op index, of operators that may write over what they read: how far below its operand a result
            must begin at least, in bytes (see `row_distance`).
        in_place: Indices of further operators whose result may lie exactly where their first operand lies.
        scratch_distances: By name, of scratch memory that may lie over its operator's first operand: how far below it
            it must begin at least, in bytes.
    """
    scratch = scratch or {}
    blocks = program_blocks(program, scratch, in_place)
    over = [(scratch[name][0], name, distance) for name, distance in (scratch_distances or {}).items()]
    over += [(index, program.ops[index].y, distance) for index, distance in (distances or {}).items()]
    pairs = (*overlaps(program, blocks, over), *walks(program, blocks))
    space = interference(blocks, pairs)
    offsets, bound = place(blocks, space, lower_bound(blocks, pairs))
    named = {name: offsets[i] for i, block in enumerate(blocks) for name in block.names}
    named |= {b.name: named[b.base] + b.offset * b.itemsize for b in program.buffers if b.base in named}
    placed = tuple(Placed(tuple(b.names), offsets[i], b.size, b.first, b.last) for i, b in enumerate(blocks))
    return Plan(named, top(offsets, space), bound, placed)
