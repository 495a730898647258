"""Quantities of kernels on vectors of 16 bytes, which work on blocks of three positions and two channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeq.cost.shape import Loops

LANES = 16
"""Bytes of a vector."""

MOST = 3
"""Positions of a block."""

HELD = 2
"""Vectors of a window up to which it stays in registers."""

REACH = 128
"""Bytes that loads reach from one pointer."""

STRAIGHT = 18
"""Vectors of a window in one piece up to which it is unrolled."""

TURN = 8
"""Vectors of a turn of a loop, at most."""

SIDE = 4
"""Rows and columns of what depthwise kernels gather into one vector."""

UNROLLED = 3
"""Times four outputs of a row up to which depthwise kernels unroll it."""


def up(a: int, b: int) -> int:
    """a / b, rounded up."""
    return -(-a // b)


@dataclass(frozen=True)
class Blocks:
    """Of convolutions and matrix products."""

    loops: Loops

    @property
    def in_rows(self) -> int:
        """Vectors of a window, each of its rows filled up."""
        return self.loops.window[0] * up(self.loops.piece, LANES)

    @property
    def vectors(self) -> int:
        """Vectors of a window: its rows are put together first where that makes fewer."""
        return min(self.in_rows, up(self.loops.taps, LANES))

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Pairs: how many blocks have so many positions. Products of matrices have all positions in one row."""
        rows, columns = self.loops.rows, self.loops.columns
        if self.loops.window == self.loops.strides == (1, 1):
            rows, columns = 1, rows * columns
        size = min(columns, MOST)
        whole, rest = divmod(columns, size)
        return [(rows * whole, size)] + ([(rows, rest)] if rest else [])

    @property
    def channels(self) -> int:
        """Of a block."""
        return 4 if self.sizes[0][1] == 1 and self.loops.depth % 4 == 0 else 2

    @property
    def positions(self) -> int:
        """Blocks of positions."""
        return sum(count for count, _ in self.sizes)

    @property
    def number(self) -> int:
        """Blocks of positions and channels."""
        return self.positions * up(self.loops.depth, self.channels)

    @property
    def steps(self) -> int:
        """Loads and products."""
        loaded = 0 if self.vectors <= HELD else 1
        each = [count * (self.channels + size * (loaded + self.channels)) for count, size in self.sizes]
        return sum(each) * up(self.loops.depth, self.channels) * self.vectors

    @property
    def pieces(self) -> int:
        """Of a window, each of neighbouring bytes."""
        return 1 if self.gathered else self.loops.window[0]

    @property
    def looped(self) -> bool:
        """Whether pieces of a window are looped over."""
        each = self.vectors // self.pieces
        step = self.loops.piece // self.loops.window[1] * self.loops.strides[1]
        near = (self.sizes[0][1] - 1) * step + (each - 1) * LANES < REACH and self.pieces <= MOST
        return each > STRAIGHT if self.pieces == 1 else not near

    @property
    def turns(self) -> int:
        """Of loops over pieces and within them."""
        each = self.vectors // self.pieces
        size = max(u for u in range(1, TURN + 1) if each % u == 0)
        turns = each // size if 2 * size > TURN else up(each, TURN)
        return self.number * self.pieces * turns if self.looped else 0

    @property
    def gathered(self) -> int:
        """Vectors that put windows together."""
        return self.loops.rows * self.loops.columns * self.in_rows if self.vectors < self.in_rows else 0


@dataclass(frozen=True)
class Strips:
    """Of depthwise convolutions: one or two rows of output, four outputs of a channel at a time."""

    loops: Loops

    @property
    def rows(self) -> int:
        """Of output, made together."""
        return 2 if self.loops.window[0] + self.loops.strides[0] <= SIDE else 1

    @property
    def number(self) -> int:
        """Of strips."""
        return up(self.loops.rows, self.rows)

    @property
    def fours(self) -> int:
        """Outputs by four."""
        return self.number * self.loops.depth * up(self.loops.columns, SIDE // self.rows)

    @property
    def looped(self) -> bool:
        """Whether rows of output are looped over."""
        return up(self.loops.columns, SIDE // self.rows) > UNROLLED

    @property
    def odd(self) -> bool:
        """Whether the last four outputs of a row that is looped over begin earlier."""
        return self.looped and self.loops.columns % (SIDE // self.rows) > 0

    @property
    def gathered(self) -> int:
        """Vectors that are gathered for them."""
        together = 2 if self.loops.window[1] + self.loops.strides[1] <= SIDE else 1
        return self.fours * (SIDE // self.rows) // together

    @property
    def columns(self) -> int:
        """Of input, 16 channels each."""
        return self.number * up(self.loops.depth, LANES) * self.loops.columns * self.loops.strides[1]


Features = dict[str, Callable[[Loops], float]]

PRODUCTS: Features = {
    "block_steps": lambda loops: Blocks(loops).steps,
    "blocks": lambda loops: Blocks(loops).number,
    "looped_pieces": lambda loops: Blocks(loops).number * Blocks(loops).pieces if Blocks(loops).looped else 0,
    "turns": lambda loops: Blocks(loops).turns,
    "blocks_of_positions": lambda loops: Blocks(loops).positions,
    "outputs_by_eight": lambda loops: loops.rows * loops.columns * up(loops.depth, 8),
    "gathered_vectors": lambda loops: Blocks(loops).gathered,
    "vectors_of_windows": lambda loops: loops.rows * loops.columns * Blocks(loops).vectors,
}
"""Of convolutions and matrix products, by name."""

STRIPS: Features = {
    "fours": lambda loops: Strips(loops).fours,
    "looped_fours": lambda loops: Strips(loops).fours if Strips(loops).looped else 0,
    "odd_fours": lambda loops: Strips(loops).fours if Strips(loops).odd else 0,
    "gathers": lambda loops: Strips(loops).gathered,
    "strip_columns": lambda loops: Strips(loops).columns,
    "strip_channels": lambda loops: Strips(loops).number * loops.depth,
}
"""Of depthwise convolutions with small kernels."""

LANE: Features = {
    "lane_taps": lambda loops: loops.rows * loops.columns * up(loops.depth, 4) * loops.taps,
    "lane_outputs": lambda loops: loops.rows * loops.columns * up(loops.depth, 4),
}
"""Of those with large ones, four channels at a time."""

OF_KERNEL: dict[str, Features] = {
    "mve.conv2d": PRODUCTS,
    "mve.pointwise": PRODUCTS,
    "mve.dense": PRODUCTS,
    "mve.depthwise": STRIPS,
    "mve.depthwise_lanes": LANE,
}
"""What time depends on beside features that all kernels have."""
