"""Finds offsets for blocks.

Blocks are placed one after the other, each at the lowest offset where it fits; what remains is the order. Greedy orders
(Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net Inference", sec. 5) come first. Where they miss
the lower bound, single blocks of the best order are moved at random, and a depth-first search over orders follows.
Every best plan is found by *some* order: that of its own offsets. So the search is exact where its budget of steps
suffices, and else ends with the best that it has seen. Budgets count steps and not seconds, and random numbers are the
same each time, because equal programs must get equal plans.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from edgeq.program.planner.blocks import Block
from edgeq.program.planner.interference import Interference

MOVES = 400
SEARCH_STEPS = 8_000
Offsets = dict[int, int]


def place(blocks: Sequence[Block], space: Interference, bound: int) -> tuple[Offsets, int]:
    """Offsets of all blocks, by number, with the lowest top that was found; and a bound that no top can be below.

    Args:
        bound: One that is known already. A search that has come to its end proves its own result to be one.
    """
    offsets: Offsets = {}
    proven = bound
    for group in space.components():
        orders = [sorted(group, key=key) for key in _greedy_keys(blocks)]
        best = _descend(min(orders, key=lambda order: top(_in_order(order, space), space)), space, bound)
        if top(best, space) > bound:
            search = _Search(group, space, bound, best)
            best = search.run()
            proven = max(proven, search.limit if search.steps > 0 else bound)
        offsets |= best
    return offsets, proven


def top(offsets: Offsets, space: Interference) -> int:
    """End of the highest block."""
    return max((offset + space.sizes[i] for i, offset in offsets.items()), default=0)


def _greedy_keys(blocks: Sequence[Block]) -> tuple[Callable[[int], tuple[int, ...]], ...]:
    """Sorting keys: by size, by size and time, by length of life, and from the first to the last.

    And backwards, where each operand suits best above the result that may lie over its end; scratch memory comes last.
    """

    def life(i: int) -> int:
        return blocks[i].last - blocks[i].first + 1

    return (
        lambda i: (-blocks[i].size, blocks[i].first),
        lambda i: (-blocks[i].size * life(i), blocks[i].first),
        lambda i: (blocks[i].first, -blocks[i].size),
        lambda i: (-life(i), -blocks[i].size, blocks[i].first),
        lambda i: (-blocks[i].size, -blocks[i].first),
        lambda i: (life(i) == 1, -blocks[i].first, -blocks[i].size),
    )


def _descend(order: list[int], space: Interference, bound: int) -> Offsets:
    """The best offsets on a random walk over orders that never climbs."""
    rng = random.Random(0)
    best = _in_order(order, space)
    for _ in range(MOVES):
        if top(best, space) <= bound:
            break
        moved = list(order)
        moved.insert(rng.randrange(len(order)), moved.pop(rng.randrange(len(order))))
        offsets = _in_order(moved, space)
        if top(offsets, space) <= top(best, space):
            order, best = moved, offsets
    return best


def _in_order(order: Iterable[int], space: Interference) -> Offsets:
    offsets: Offsets = {}
    for i in order:
        offsets[i] = _lowest(i, offsets, space)
    return offsets


def _lowest(i: int, offsets: Mapping[int, int], space: Interference) -> int:
    """The lowest offset of block i that suits all blocks placed so far."""
    gaps = [(offsets[j] - space.above[j][i], offsets[j] + d) for j, d in space.above[i].items() if j in offsets]
    offset = 0
    for low, high in sorted(gaps):
        if low < offset < high:
            offset = high
    return offset


class _Search:
    """Branch and bound over the orders in which the blocks of one group get ascending offsets.

    Attributes:
        best: The best offsets so far.
        limit: Their top.
    """

    def __init__(self, group: Sequence[int], space: Interference, bound: int, best: Offsets) -> None:
        self.space, self.bound, self.best = space, bound, best
        self.limit = top(best, space)
        self.steps = SEARCH_STEPS
        self.group = group

    def run(self) -> Offsets:
        """The best offsets that are found."""
        self._extend({}, dict.fromkeys(self.group, 0), 0)
        return self.best

    def _extend(self, offsets: Offsets, rest: Offsets, floor: int) -> None:
        """Places one of the others at `floor` or above it, in every way that may still beat the best.

        Args:
            rest: The blocks that are left, with the lowest offset that each can have.
        """
        if not rest:
            self.best, self.limit = offsets, top(offsets, self.space)
            return
        for i in sorted(rest, key=lambda i: (rest[i], -self.space.sizes[i], i)):
            if self.steps <= 0 or self.limit <= self.bound or top(rest, self.space) >= self.limit:
                return
            if rest[i] >= floor:
                placed = offsets | {i: rest[i]}
                self._extend(placed, self._without(i, rest, placed), rest[i])

    def _without(self, i: int, rest: Offsets, placed: Offsets) -> Offsets:
        """The others, moved up where block i, which was placed last, is in their way."""
        others = {j: at for j, at in rest.items() if j != i}
        for j in self.space.above[i]:
            if j in others:
                others[j] = _lowest(j, placed, self.space)
                self.steps -= 1
        return others
