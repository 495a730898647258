"""Puts operators into the order that needs least memory at its worst moment.

An order is a path through the sets of operators that can have run; a best-first search over those sets, in the order of
the largest memory seen on the way (a bottleneck shortest path), ends with the best order. Networks with few branches
have few such sets: where there are too many to look at, operators stay in the order of the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from heapq import heappop, heappush

from edgeq.program.planner import arena_buffers, in_place_operands
from edgeq.program.program import Program

MAX_SETS = 2000
AFTER = -1
"""Stands among the users of outputs for the caller, who comes after all operators."""

Done = frozenset[int]


def order_ops(program: Program) -> Program:
    """The program in an order of least peak memory; the same object where its own order is one. Idempotent."""
    memory = _Memory(program)
    own = tuple(range(len(program.ops)))
    order = memory.best_order()
    if order is None or memory.peak(order) >= memory.peak(own):
        return program
    return replace(program, ops=tuple(program.ops[i] for i in order))


class _Memory:
    """What operators need, and which must run before which."""

    def __init__(self, program: Program) -> None:
        self.program = program
        placed = arena_buffers(program)
        self.nbytes = {b.name: b.nbytes if b.name in placed else 0 for b in program.buffers}
        self.inputs = {port.buffer for port in program.inputs}
        self.users: dict[str, set[int]] = {port.buffer: {AFTER} for port in program.outputs}
        self.before: list[set[int]] = []
        for i, op in enumerate(program.ops):
            earlier = self.users.get(op.y, set()) - {AFTER}
            made = {j for name in op.reads for j in range(i) if program.ops[j].y == name}
            self.before.append(made | earlier)
            for name in op.reads + op.writes:
                self.users.setdefault(name, set()).add(i)

    def peak(self, order: tuple[int, ...]) -> int:
        """Largest sum of live buffers."""
        return max((self._at(frozenset(order[:n]), i) for n, i in enumerate(order)), default=0)

    def best_order(self) -> tuple[int, ...] | None:
        """An order of least peak; None where there are too many sets of operators to look at."""
        heap: list[tuple[int, tuple[int, ...]]] = [(0, ())]
        seen: set[Done] = set()
        while heap and len(seen) < MAX_SETS:
            peak, order = heappop(heap)
            done = frozenset(order)
            if len(order) == len(self.before):
                return order
            if done not in seen:
                seen.add(done)
                for i in self._ready(done):
                    heappush(heap, (max(peak, self._at(done, i)), (*order, i)))
        return None

    def _ready(self, done: Done) -> Iterator[int]:
        return (i for i, before in enumerate(self.before) if i not in done and before <= done)

    def _at(self, done: Done, i: int) -> int:
        """Bytes of the buffers that live while operator i runs after those of `done`."""
        after = done | {i}
        used = (name for name, users in self.users.items() if not users <= done)
        live = sum(self.nbytes[name] for name in used if name in self.inputs or self.users[name] & after)
        return live - self._shared(after, i)

    def _shared(self, after: Done, i: int) -> int:
        """Bytes that operator i saves by writing over an operand which dies with it."""
        op = self.program.ops[i]
        dying = [self.nbytes[name] for name in in_place_operands(op) if self.users[name] <= after]
        return self.nbytes[op.y] if self.nbytes[op.y] in dying else 0
