"""What must be placed: blocks of memory, when they live, and how close two of them may come."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from edgeq.program.ops import Op
from edgeq.program.planner.overlap import in_place_operands
from edgeq.program.planner.plan import aligned
from edgeq.program.program import Program


@dataclass
class Block:
    """One piece of arena: the buffers that share it in place, its bytes and its lifetime (op indices, inclusive)."""

    names: list[str]
    size: int
    first: int
    last: int

    def meets(self, other: Block) -> bool:
        """True where both live at some time."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Overlap:
    """A result that may lie over what operators are done with of an operand, though both live at the same time.

    Attributes:
        source, target: Blocks of the operand and of the result, as numbers.
        distance: Bytes by which the target must at least begin below the source, if they share memory.
    """

    source: int
    target: int
    distance: int


def arena_buffers(program: Program) -> set[str]:
    """Names of the buffers that the plan must place: not constants, nor bytes that the caller keeps.

    Elements of 16 bits always lie in the arena: kernels need them aligned, and the caller's may lie anywhere.
    """
    ports = {p.buffer for p in program.inputs + program.outputs} if program.io == "caller" else set()
    own = (b for b in program.buffers if b.data is None and b.base is None)
    return {b.name for b in own if not (b.name in ports and b.bits != 16)}


def program_blocks(
    program: Program, scratch: Mapping[str, tuple[int, int]], in_place: Collection[int] = ()
) -> list[Block]:
    """Blocks of the program, in-place chains merged, and of its scratch memories."""
    placed = arena_buffers(program)
    lifetime = _lifetimes(program)
    block: dict[str, Block] = {}
    for name in (b.name for b in program.buffers if b.name in placed):
        block[name] = Block([name], aligned(program.buffer[name].nbytes), *lifetime[name])
    for i, op in enumerate(program.ops):
        candidates = op.reads[:1] if i in in_place else in_place_operands(op)
        source = _overwritten(program, op, i, block, candidates)
        if source is not None:
            target = block[op.y]
            source.names += target.names
            source.last = target.last
            for name in target.names:
                block[name] = source
    merged = list({id(b): b for b in block.values()}.values())
    return merged + [Block([name], aligned(nbytes), i, i) for name, (i, nbytes) in scratch.items()]


def _lifetimes(program: Program) -> dict[str, tuple[int, int]]:
    """First and last op that touches each buffer; ports live from the start or to the end."""
    span: dict[str, tuple[int, int]] = {p.buffer: (0, 0) for p in program.inputs}
    for i, op in enumerate(program.ops):
        for name in map(program.memory, op.reads + op.writes):
            span[name] = (span.get(name, (i, i))[0], i)
    for port in program.outputs:
        span[port.buffer] = (span.get(port.buffer, (0, 0))[0], len(program.ops))
    return span


def _overwritten(
    program: Program, op: Op, index: int, block: Mapping[str, Block], candidates: Iterable[str]
) -> Block | None:
    """The block that `op` writes over: that of the first candidate that is as large as the result and dies here."""
    y = program.buffer[op.y]
    if op.y not in block or block[op.y].first != index:
        return None
    for name in candidates:
        x = program.buffer[name]
        if name in block and block[name].last == index and x.nbytes == y.nbytes and x.dtype == y.dtype:
            return block[name]
    return None


def overlaps(program: Program, blocks: list[Block], over: Iterable[tuple[int, str, int]]) -> Iterator[Overlap]:
    """Pairs of blocks that may share memory at the operator at which one dies and the other begins.

    Args:
        over: Operators, as indices, with a result or scratch memory of theirs that may lie over their first operand,
            and by how many bytes it must at least begin below it.
    """
    number = {name: i for i, block in enumerate(blocks) for name in block.names}
    for index, name, distance in over:
        op = program.ops[index]
        if name in number and all(x in number for x in op.reads):
            source, target = number[op.reads[0]], number[name]
            if blocks[source].last == index == blocks[target].first:
                yield Overlap(source, target, aligned(distance))
