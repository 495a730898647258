"""Tables of the engines, as files for $readmemh."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_, or_

import numpy as np

from edgeq.rtl.memory import Memory


@dataclass(frozen=True, eq=False)
class Rom:
    """A memory that is never written.

    Attributes:
        path: Of its file, from the package's folder.
        width: Bits of a word.
        words: As non-negative integers.
    """

    path: str
    width: int
    words: tuple[int, ...]

    @property
    def depth(self) -> int:
        return len(self.words)

    @cached_property
    def used(self) -> int:
        """Bits of a word that are not the same in all."""
        return (reduce(or_, self.words) & ~reduce(and_, self.words)).bit_count()

    @cached_property
    def columns(self) -> int:
        """Bits of a word that are different functions of its place: synthesis makes one register of equal ones."""
        texts = (f"{word:0{self.width}b}" for word in self.words)
        return len({column for column in zip(*texts, strict=True) if len(set(column)) > 1})

    @property
    def text(self) -> str:
        """One hexadecimal word per line."""
        digits = -(-self.width // 4)
        return "".join(f"{word:0{digits}x}\n" for word in self.words)


def memories(roms: Iterable[Rom]) -> tuple[Memory, ...]:
    """Those of tables; one of a single word is a constant and takes no memory."""
    return tuple(Memory(rom.width, rom.depth, rom.used) for rom in roms if rom.depth > 1)


def rom(name: str, elements: np.ndarray, bits: int, lanes: int) -> Rom:
    """Signed elements of `bits`, `lanes` to a word, the first in its lowest bits."""
    return Rom(f"rom/{name}.hex", bits * lanes, tuple(words(elements, bits, lanes)))


def words(elements: np.ndarray, bits: int, lanes: int) -> list[int]:
    """Signed elements as words, the first in the lowest bits of the first."""
    mask = (1 << bits) - 1
    rows = elements.reshape(-1, lanes).tolist()
    return [sum((element & mask) << (bits * i) for i, element in enumerate(row)) for row in rows]
