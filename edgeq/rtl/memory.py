"""Memories, and the block RAMs that Yosys 0.23 makes of them (`memory_libmap` with the Xilinx library)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil

from edgeq.fpga.cost import BRAM_SHAPES, REGISTER_BITS

ENABLE = 9
"""Bits of a block RAM that one write enable is for."""


@dataclass(frozen=True)
class Memory:
    """Words in registers and tables of logic, or in block RAM.

    Attributes:
        width: Bits of a word.
        depth: Number of words.
        used: Of a table that nobody writes: bits of a word that are not the same in all words, as synthesis makes
            constants of the others; None for what is written.
    """

    width: int
    depth: int
    used: int | None = None

    @property
    def small(self) -> bool:
        """Whether it is made of logic."""
        return self.width * self.depth < REGISTER_BITS

    @property
    def blocks(self) -> int:
        """Block RAMs of 18 Kbit."""
        return 0 if self.small else self._mapped[0]

    @property
    def rows(self) -> int:
        """From so many words at once one is chosen."""
        return self._mapped[1]

    @cached_property
    def _mapped(self) -> tuple[int, int]:
        return min(self._in_shape(*shape) for shape in BRAM_SHAPES)

    def _in_shape(self, width: int, depth: int) -> tuple[int, int]:
        """Block RAMs, and rows of them. Words of several rows share one where each can be written alone."""
        rows = ceil(self.depth / depth)
        if self.used is not None:
            return ceil(self.used * rows / width), rows
        part = min(width, ENABLE)
        return ceil(ceil(self.width / part) * rows / (width // part)), rows
