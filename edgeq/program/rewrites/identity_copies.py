"""Removes copies that move a whole buffer as it is: both names come to mean one buffer."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from edgeq.program.ops import Copy, Op, View
from edgeq.program.program import Program
from edgeq.program.rewrites.channels import walk


def remove_identity_copies(program: Program) -> Program:
    """The program without the first such copy; the same object where there is none."""
    for copy in program.ops:
        if isinstance(copy, Copy) and _is_identity(copy, program):
            renamed = _renamed(copy, program)
            if renamed is not None:
                ops = (_with_buffer(op, *renamed) for op in program.ops if op is not copy)
                return replace(program, ops=tuple(ops))
    return program


def _is_identity(op: Copy, program: Program) -> bool:
    """True where the copy makes y equal to x, element by element in memory, and both then stay as they are."""
    x, y = program.buffer[op.x], program.buffer[op.y]
    alike = op.requantize is None and x.size == y.size and x.bits == y.bits
    written_once = all(other is op or op.y not in other.writes for other in program.ops)
    return alike and written_once and _is_whole(op.x_view, x.size) and _is_whole(op.y_view, y.size)


def _is_whole(view: View, size: int) -> bool:
    offsets = walk(view)
    return len(offsets) == size and bool((offsets == np.arange(size)).all())


def _renamed(op: Copy, program: Program) -> tuple[str, str] | None:
    """The buffer that goes and the one that takes its place; None where the interface needs both."""
    inputs, outputs = ({port.buffer for port in ports} for ports in (program.inputs, program.outputs))
    if op.y not in outputs:
        return op.y, op.x
    computed = op.x not in inputs | outputs and program.buffer[op.x].data is None
    return (op.x, op.y) if computed else None


def _with_buffer(op: Op, old: str, new: str) -> Op:
    """The operator with one buffer's name replaced by another."""
    operands = {f.name for f in fields(op)} & {"x", "x1", "x2", "y"}
    return replace(op, **{name: new for name in operands if getattr(op, name) == old})
