"""Rewrites a stage of a program so that it runs strip by strip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

from edgeq.errors import VerificationError
from edgeq.program.ops import Op
from edgeq.program.program import Buffer, Program
from edgeq.program.rewrites.patches.rows import Rows, for_rows, needed_rows
from edgeq.program.rewrites.patches.stage import stage_begin, stages
from edgeq.program.verifier import verify_program


@dataclass(frozen=True)
class Patches:
    """What runs in patches.

    Attributes:
        end: Of the operators, as an index: one of `stages`.
        strips: Strips of rows that the stage's result is made in, at most.
    """

    end: int
    strips: int


def patch(program: Program, patches: Patches) -> Program:
    """The program with its first operators repeated for each strip of their result; outputs keep every byte.

    Args:
        program: Without parts of buffers.

    Raises:
        VerificationError: These are no patches of this program, or the rewrite has broken it.
    """
    if patches.end not in stages(program) or patches.strips < 1:
        raise VerificationError(f"the first {patches.end} operators cannot run in {patches.strips} strips")
    begin = stage_begin(program)
    stage = program.ops[begin : patches.end]
    strips = [_Strip(program, stage, i, rows) for i, rows in enumerate(_strips(program, stage[-1].y, patches.strips))]
    ops = [op for strip in strips for op in strip.ops()]
    inside = {op.y for op in stage[:-1]}
    buffers = {b.name: b for b in program.buffers if b.name not in inside}
    for strip in strips:
        buffers |= strip.buffers
    result = replace(
        program, buffers=tuple(buffers.values()), ops=(*program.ops[:begin], *ops, *program.ops[patches.end :])
    )
    verify_program(result)
    return result


def _strips(program: Program, name: str, count: int) -> Iterator[Rows]:
    """Strips of equal height; the last one has what is left."""
    rows = program.buffer[name].shape[1]
    height = -(-rows // count)
    return (Rows(first, min(first + height, rows)) for first in range(0, rows, height))


@dataclass
class _Strip:
    """One strip of a stage.

    Attributes:
        number: Of the strip.
        rows: Those of the stage's result.
        buffers: What the strip adds to the program.
    """

    program: Program
    stage: tuple[Op, ...]
    number: int
    rows: Rows
    buffers: dict[str, Buffer] = field(default_factory=dict)

    def ops(self) -> Iterator[Op]:
        """The operators of the strip, in order."""
        made = self._made()
        for op in self.stage:
            rows = made[op.y]
            needed = needed_rows(op, rows)
            names = {f.name: getattr(op, f.name) for f in fields(op) if f.name in ("x", "x1", "x2")}
            operands = {field_name: self._operand(name, needed, made.get(name)) for field_name, name in names.items()}
            yield for_rows(op, rows, self.program, y=self._result(op.y, rows), **operands)

    def _made(self) -> dict[str, Rows]:
        """Rows that the strip makes of each buffer of the stage: all that some later operator of it needs."""
        made = {self.stage[-1].y: self.rows}
        for op in reversed(self.stage):
            needed = needed_rows(op, made[op.y])
            for name in op.reads:
                made[name] = made[name].hull(needed) if name in made else needed
        return {op.y: made[op.y] for op in self.stage}

    def _result(self, name: str, rows: Rows) -> str:
        """The buffer that takes these rows: a part of the stage's result, or one of the strip's own."""
        if name == self.stage[-1].y:
            return self._part(name, rows, 0)
        image = self.program.buffer[name]
        own = Buffer(f"{name}_{self.number}", _cut(image, rows), image.bits)
        self.buffers[own.name] = own
        return own.name

    def _operand(self, name: str, rows: Rows, made: Rows | None) -> str:
        """The buffer that holds these rows, of those that the strip has made or else of a whole input."""
        if made is None:
            return self._part(name, rows, 0)
        own = f"{name}_{self.number}"
        return own if rows == made else self._part(own, rows, made.first, like=name)

    def _part(self, base: str, rows: Rows, first: int, like: str | None = None) -> str:
        """These rows of a buffer that begins with row `first`, as a part of it."""
        image = self.program.buffer[like or base]
        _, _, width, channels = image.shape
        name = f"{base}_{rows.first}_{rows.last}"
        offset = (rows.first - first) * width * channels
        self.buffers[name] = Buffer(name, _cut(image, rows), image.bits, base=base, offset=offset)
        return name


def _cut(image: Buffer, rows: Rows) -> tuple[int, ...]:
    """The shape of some rows of an image."""
    return (1, rows.last - rows.first, *image.shape[2:])
