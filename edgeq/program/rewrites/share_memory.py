"""Makes copies of whole buffers into parts of others, and out of them, needless: the one becomes a part of the other.

A concatenation is then written in place by those who make its operands, and a slice or split is read in place: where
their elements are next to each other, that is along the first axis longer than one of the physical order.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.program.ops import Copy, Op, View
from edgeq.program.planner import arena_bound, is_dense
from edgeq.program.program import Buffer, Program
from edgeq.program.rewrites.channels import walk
from edgeq.program.verifier import verify_program

WORD = 4
"""Bytes: where elements of 16 bits lie in memory of their own or as a part, kernels read two of them at once."""


def share_memory(program: Program) -> Program:
    """The program without such copies, as long as that takes no more memory; outputs keep every byte. Idempotent.

    Comes last: other rewrites know no parts of buffers.
    """
    for copy in [op for op in program.ops if isinstance(op, Copy)]:
        shared = _shared(program, copy)
        if shared is not None and arena_bound(shared) <= arena_bound(program):
            program = shared
    verify_program(program)
    return program


def _shared(program: Program, copy: Copy) -> Program | None:
    """The program without this copy; None where its buffers cannot share memory."""
    x, y = program.buffer[copy.x], program.buffer[copy.y]
    if copy.requantize is not None or _is_written_after(program, copy):
        return None
    if _is_whole(copy.x_view, x) and _is_run(copy.y_view) and _can_be_part(program, x, y):
        part = replace(x, base=y.name, offset=copy.y_view.offset)
    elif _is_whole(copy.y_view, y) and _is_run(copy.x_view) and _can_be_part(program, y, x):
        part = replace(y, base=x.name, offset=copy.x_view.offset)
    else:
        return None
    if part.offset * part.itemsize % WORD and part.itemsize > 1:
        return None
    buffers = tuple(part if b.name == part.name else b for b in program.buffers)
    return replace(program, buffers=buffers, ops=tuple(op for op in program.ops if op is not copy))


def _is_run(view: View) -> bool:
    """True for elements next to each other, in order."""
    return is_dense(replace(view, offset=0))


def _is_whole(view: View, buffer: Buffer) -> bool:
    return is_dense(view) and int(np.prod(view.sizes)) == buffer.size


def _can_be_part(program: Program, part: Buffer, base: Buffer) -> bool:
    """True for two buffers of one width, the part with memory of its own, which no other one is a part of."""
    inputs, outputs = ({port.buffer for port in ports} for ports in (program.inputs, program.outputs))
    bases = {b.base for b in program.buffers}
    movable = part.data is None and part.base is None and part.name not in inputs | outputs | bases
    fixed = base.data is not None or base.base is not None or base.name in outputs
    return movable and not fixed and part.bits == base.bits


def _is_written_after(program: Program, copy: Copy) -> bool:
    """True where its operand changes after the copy, or another operator writes what it writes."""
    mine = _written(copy, program)
    later = program.ops[program.ops.index(copy) + 1 :]
    others = [op for op in program.ops if program.memory(op.y) == program.memory(copy.y) and op is not copy]
    changed = any(program.memory(op.y) == program.memory(copy.x) for op in later)
    return changed or not all(_written(op, program).isdisjoint(mine) for op in others)


def _written(op: Op, program: Program) -> set[int]:
    """Elements of the memory that `op` writes."""
    y = program.buffer[op.y]
    offsets = walk(op.y_view) if isinstance(op, Copy) else np.arange(y.size)
    return set((offsets + y.offset).tolist())
