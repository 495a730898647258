"""What a kernel generator hands to lowering: a function, and what each of its pointers is to be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from tvm.tirx import PrimFunc


@dataclass(frozen=True)
class Reads:
    """A pointer through which the kernel reads a program buffer."""

    buffer: str


@dataclass(frozen=True)
class Writes:
    """A pointer through which the kernel writes a program buffer."""

    buffer: str


@dataclass(frozen=True, eq=False)
class Table:
    """A pointer to constant data, in the order that the kernel wants.

    Attributes:
        data: One-dimensional int8, uint8, int16 or int32.
        kind: `weights` (packed weight bytes) or `constants`.
    """

    data: np.ndarray
    kind: Literal["weights", "constants"]


@dataclass(frozen=True)
class Scratch:
    """A pointer to working memory that the kernel may use as it likes, aligned as the arena is.

    Attributes:
        dtype: Element type that the kernel's pointer has.
        nbytes: Bytes needed.
    """

    dtype: str
    nbytes: int


Operand = Reads | Writes | Table | Scratch


@dataclass(frozen=True)
class Placement:
    """What the memory plan has to know of a kernel.

    Attributes:
        scratch_bytes: Working memory that it needs.
        distance, in_place, scratch_distance: As in `Generated`.
    """

    scratch_bytes: int
    distance: int | None
    in_place: bool
    scratch_distance: int | None


@dataclass(frozen=True, eq=False)
class Generated:
    """One kernel for one operator.

    Attributes:
        func: PrimFunc over raw pointers, without a symbol yet: calls with equal functions share one kernel.
        operands: What its parameters are given, in order.
        distance: The result may lie over the operand, if it begins so many bytes or more below it: the kernel never
            writes what it still has to read (`program.planner.row_distance`), and its pointers may alias. None where
            both must lie apart.
        in_place: The result may lie exactly where the operand lies, if it is as large.
        scratch_distance: The scratch memory may lie over the operand, if it begins so many bytes or more below it: the
            kernel has read what it writes over. None where both must lie apart.
        lean: Makes a slower kernel with less scratch memory; None where there is none.
    """

    func: PrimFunc
    operands: tuple[Operand, ...]
    distance: int | None = None
    in_place: bool = False
    scratch_distance: int | None = None
    lean: Callable[[], Generated] | None = None

    @property
    def scratch_bytes(self) -> int:
        """Working memory that it needs."""
        return sum(operand.nbytes for operand in self.operands if isinstance(operand, Scratch))

    @property
    def placement(self) -> Placement:
        """What the memory plan has to know of it."""
        return Placement(self.scratch_bytes, self.distance, self.in_place, self.scratch_distance)

    @property
    def overlapping(self) -> bool:
        """Whether the memory plan may let its pointers reach the same bytes."""
        return self.distance is not None or self.in_place or self.scratch_distance is not None
