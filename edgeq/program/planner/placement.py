"""Finds offsets for blocks.

Blocks are placed one after the other, each at the lowest offset where it fits; what remains is the order. Greedy orders
(Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net Inference", sec. 5) come first. Where they miss
the lower bound, a depth-first search over orders follows. Every best plan is found by *some* order: that of its own
offsets. So the search is exact where its budget of steps suffices, and else ends with the best that it has seen; the
budget counts steps and not seconds, because equal programs must get equal plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from edgeq.program.planner.blocks import Block
from edgeq.program.planner.interference import Interference

SEARCH_STEPS = 20_000
Offsets = dict[int, int]


def place(blocks: Sequence[Block], space: Interference, bound: int) -> Offsets:
    """Offsets of all blocks, by number, with the lowest top that was found."""
    offsets: Offsets = {}
    for group in space.components():
        orders = [sorted(group, key=key) for key in _greedy_keys(blocks)]
        best = min((_in_order(order, space) for order in orders), key=lambda placed: top(placed, space))
        offsets |= best if top(best, space) <= bound else _Search(group, space, bound, best).run()
    return offsets


def top(offsets: Offsets, space: Interference) -> int:
    """End of the highest block."""
    return max((offset + space.sizes[i] for i, offset in offsets.items()), default=0)


def _greedy_keys(blocks: Sequence[Block]) -> tuple[Callable[[int], tuple[int, ...]], ...]:
    """Sorting keys: by size, by size and time, from the first to the last and back, by length of life."""

    def life(i: int) -> int:
        return blocks[i].last - blocks[i].first + 1

    return (
        lambda i: (-blocks[i].size, blocks[i].first),
        lambda i: (-blocks[i].size * life(i), blocks[i].first),
        lambda i: (blocks[i].first, -blocks[i].size),
        lambda i: (-blocks[i].first, -blocks[i].size),
        lambda i: (-life(i), -blocks[i].size, blocks[i].first),
    )


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
        self.group = frozenset(group)

    def run(self) -> Offsets:
        """The best offsets that are found."""
        self._extend({}, self.group, 0)
        return self.best

    def _extend(self, offsets: Offsets, rest: frozenset[int], floor: int) -> None:
        """Places one of the `rest` at `floor` or above it, in every way that may still beat the best."""
        if not rest:
            self.best, self.limit = dict(offsets), top(offsets, self.space)
            return
        lowest = {i: _lowest(i, offsets, self.space) for i in rest}
        self.steps -= len(rest)
        for i in sorted(rest, key=lambda i: (lowest[i], -self.space.sizes[i], i)):
            hopeless = any(at + self.space.sizes[j] >= self.limit for j, at in lowest.items())
            if self.steps <= 0 or self.limit <= self.bound or hopeless:
                return
            if lowest[i] >= floor:
                self._extend(offsets | {i: lowest[i]}, rest - {i}, lowest[i])
