"""How far apart blocks must lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgeq.program.planner.blocks import Block, Overlap


@dataclass(frozen=True)
class Interference:
    """Distances among blocks.

    Attributes:
        sizes: Of the blocks, in bytes.
        above: By block i: the blocks j that live at the same time, and by how many bytes i must at least begin above
            the beginning of j where it does not lie below j.
    """

    sizes: tuple[int, ...]
    above: tuple[dict[int, int], ...]

    def components(self) -> list[list[int]]:
        """Blocks that constrain each other directly or through others: each group can be placed on its own."""
        import networkx

        graph = networkx.Graph()
        graph.add_nodes_from(range(len(self.sizes)))
        graph.add_edges_from((i, j) for i, others in enumerate(self.above) for j in others)
        return [sorted(group) for group in networkx.connected_components(graph)]


def interference(blocks: Sequence[Block], overlaps: Iterable[Overlap]) -> Interference:
    """Blocks that live at the same time lie apart, or overlap as their operator permits."""
    above: tuple[dict[int, int], ...] = tuple({} for _ in blocks)
    for i, a in enumerate(blocks):
        for j, b in enumerate(blocks):
            if i != j and a.meets(b):
                above[i][j] = b.size
    for pair in overlaps:
        above[pair.source][pair.target] = min(pair.distance, blocks[pair.target].size)
    return Interference(tuple(b.size for b in blocks), above)


def lower_bound(blocks: Sequence[Block], overlaps: Iterable[Overlap]) -> int:
    """The largest sum of blocks that live at one time, a pair that may overlap counted as closely as it may lie.

    Or, where one block may lie under several, the sum of the others: they lie apart.
    """
    last = max((b.last for b in blocks), default=-1)
    live = [sum(b.size for b in blocks if b.first <= t <= b.last) for t in range(last + 1)]
    under: list[set[int]] = [set() for _ in live]
    apart = list(live)
    for pair in overlaps:
        source, target = blocks[pair.source], blocks[pair.target]
        together = max(target.size, min(pair.distance, target.size) + source.size)
        for t in range(max(source.first, target.first), min(source.last, target.last) + 1):
            live[t] -= source.size + target.size - together
            apart[t] -= 0 if pair.source in under[t] else source.size
            under[t].add(pair.source)
    return max((*live, *apart), default=0)
