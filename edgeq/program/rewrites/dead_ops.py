"""Removes operators whose results nothing reads, and buffers that nothing touches."""

from __future__ import annotations

from dataclasses import replace

from edgeq.program.ops import Op
from edgeq.program.program import Program


def remove_dead_ops(program: Program) -> Program:
    """The program without dead operators; the same object where there are none. Idempotent."""
    live = {port.buffer for port in program.outputs}
    ops: list[Op] = []
    for op in reversed(program.ops):
        if op.y in live:
            live.update(op.reads)
            ops.insert(0, op)
    live |= {port.buffer for port in program.inputs}
    buffers = tuple(b for b in program.buffers if b.name in live)
    unchanged = len(ops) == len(program.ops) and len(buffers) == len(program.buffers)
    return program if unchanged else replace(program, ops=tuple(ops), buffers=buffers)
