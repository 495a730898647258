"""The stages of a program that can run strip by strip."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.program.program import Program
from edgeq.program.rewrites.patches.rows import works_by_rows
from edgeq.program.rewrites.windows import Windowed


def stage_begin(program: Program) -> int:
    """The first operator with a window; those before it give its input another type or order, and run once."""
    return next((i for i, op in enumerate(program.ops) if isinstance(op, Windowed)), len(program.ops))


def stages(program: Program) -> Iterator[int]:
    """Where stages that can run strip by strip end: behind operators of which only the last one's result is used later.

    A stage begins at `stage_begin`. Its inputs stay whole in memory, as does the image that it makes.
    """
    outputs = {port.buffer for port in program.outputs}
    begin = stage_begin(program)
    for end in range(begin + 1, len(program.ops)):
        op = program.ops[end - 1]
        if not works_by_rows(op, program):
            return
        made = {earlier.y for earlier in program.ops[begin:end]}
        read = outputs.union(*(later.reads for later in program.ops[end:]))
        if made & read == {op.y} and op.y not in outputs and len(made) == end - begin:
            yield end
