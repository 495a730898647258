"""Static memory plan: an offset in the arena for every buffer that does not live in the caller's memory or in flash.

Buffers whose lifetimes do not meet may share memory; an element-wise operator writes over an input that dies with it.
Placement is greedy best-fit in several orders (Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net
Inference", sec. 5: greedy by size and by breadth); the best result is kept and compared with the lower bound, the
largest sum of live buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edgeq.program.ops import Add, Copy, Interpolate, Lut, Mul, Op, View
from edgeq.program.program import Program

ALIGNMENT = 16


@dataclass(frozen=True)
class Plan:
    """Where buffers lie in the arena, in bytes.

    Attributes:
        offsets: By buffer (or scratch) name.
        size: Bytes of the arena.
        lower_bound: Largest sum of live buffers: no plan can be smaller.
        alignment: That the arena needs, and that every offset has.
    """

    offsets: Mapping[str, int]
    size: int
    lower_bound: int
    alignment: int = ALIGNMENT

    @property
    def ratio(self) -> float:
        """size / lower_bound; 1 where nothing is left to gain."""
        return self.size / self.lower_bound if self.lower_bound else 1.0


@dataclass
class _Block:
    """One piece of arena: buffers that share it in place, its size and its lifetime (op indices, inclusive)."""

    names: list[str]
    size: int
    first: int
    last: int
    offset: int = field(default=-1)

    def meets(self, other: _Block) -> bool:
        return self.first <= other.last and other.first <= self.last


def plan_arena(program: Program, scratch: Mapping[str, tuple[int, int]] | None = None) -> Plan:
    """Plans the arena of a program.

    Args:
        scratch: Further buffers: name -> (index of the op that needs it, bytes).
    """
    blocks = _blocks(program)
    for name, (index, nbytes) in (scratch or {}).items():
        blocks.append(_Block([name], _aligned(nbytes), index, index))
    bound = max((sum(b.size for b in blocks if b.first <= t <= b.last) for t in range(len(program.ops))), default=0)
    size, offsets = min((_place(blocks, order) for order in _ORDERS), key=lambda placed: placed[0])
    return Plan(offsets, size, bound)


def arena_buffers(program: Program) -> set[str]:
    """Names of the buffers that the plan must place: not constants, and not int8 inputs and outputs."""
    ports = {p.buffer for p in program.inputs + program.outputs}
    return {b.name for b in program.buffers if b.data is None and not (b.name in ports and b.bits != 16)}


def _aligned(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def _blocks(program: Program) -> list[_Block]:
    """Blocks of the program, in-place chains merged."""
    placed = arena_buffers(program)
    lifetime = _lifetimes(program)
    block: dict[str, _Block] = {}
    for name in (b.name for b in program.buffers if b.name in placed):
        block[name] = _Block([name], _aligned(program.buffer[name].nbytes), *lifetime[name])
    for i, op in enumerate(program.ops):
        source = _overwrites(program, op, i, block)
        if source is not None:
            target = block[op.y]
            source.names += target.names
            source.last = target.last
            for name in target.names:
                block[name] = source
    return list({id(b): b for b in block.values()}.values())


def _lifetimes(program: Program) -> dict[str, tuple[int, int]]:
    """First and last op that touches each buffer; ports live from the start or to the end."""
    span: dict[str, tuple[int, int]] = {p.buffer: (0, 0) for p in program.inputs}
    for i, op in enumerate(program.ops):
        for name in op.reads + op.writes:
            span[name] = (span.get(name, (i, i))[0], i)
    for port in program.outputs:
        span[port.buffer] = (span.get(port.buffer, (0, 0))[0], len(program.ops))
    return span


def _overwrites(program: Program, op: Op, index: int, block: Mapping[str, _Block]) -> _Block | None:
    """The block that `op` may write over: an operand that dies here and is read in the order of writing."""
    y = program.buffer[op.y]
    if op.y not in block or block[op.y].first != index:
        return None
    for name in in_place_operands(op):
        x = program.buffer[name]
        if name in block and block[name].last == index and x.nbytes == y.nbytes and x.dtype == y.dtype:
            return block[name]
    return None


def in_place_operands(op: Op) -> tuple[str, ...]:
    """Operands that an element-wise kernel reads at the very index that it writes next."""
    match op:
        case Lut() | Interpolate():
            return (op.x,)
        case Add() | Mul():
            elsewhere = {x for x, view in ((op.x1, op.view1), (op.x2, op.view2)) if not _is_dense(view)}
            return tuple(x for x in (op.x1, op.x2) if x not in elsewhere)
        case Copy() if op.x_view == op.y_view:
            return (op.x,) if _is_dense(op.x_view) else ()
    return ()


def _is_dense(view: View) -> bool:
    step = 1
    for size, stride in zip(reversed(view.sizes), reversed(view.strides), strict=True):
        if stride != step:
            return False
        step *= size
    return view.offset == 0


_ORDERS: tuple[Callable[[_Block], tuple[int, ...]], ...] = (
    lambda b: (-b.size, b.first),
    lambda b: (-b.size * (b.last - b.first + 1), b.first),
    lambda b: (b.first, -b.size),
    lambda b: (-(b.last - b.first), -b.size, b.first),
)


def _place(blocks: list[_Block], order: Callable[[_Block], tuple[int, ...]]) -> tuple[int, dict[str, int]]:
    """Places blocks in the given order, each at the lowest offset where it fits. Returns size and offsets."""
    placed: list[tuple[int, _Block]] = []
    for block in sorted(blocks, key=order):
        offset = 0
        for start, other in sorted(placed, key=lambda p: p[0]):
            if block.meets(other) and start < offset + block.size and offset < start + other.size:
                offset = start + other.size
        placed.append((offset, block))
    size = max((offset + b.size for offset, b in placed), default=0)
    return size, {name: offset for offset, b in placed for name in b.names}
