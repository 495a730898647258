"""The stages of a program that can run strip by strip."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.program.program import Program
from edgeq.program.rewrites.patches.rows import works_by_rows


def stages(program: Program) -> Iterator[int]:
    """How many of the first operators can run strip by strip: those of which only the last one's result is used later.

    Inputs of the program stay whole in memory, as does the image that the stage makes.
    """
    outputs = {port.buffer for port in program.outputs}
    for count in range(1, len(program.ops)):
        op = program.ops[count - 1]
        if not works_by_rows(op, program):
            return
        made = {earlier.y for earlier in program.ops[:count]}
        read = outputs.union(*(later.reads for later in program.ops[count:]))
        if made & read == {op.y} and op.y not in outputs and len(made) == count:
            yield count
