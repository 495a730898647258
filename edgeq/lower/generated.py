"""What a kernel generator hands to lowering: a function, and what each of its pointers is to be given."""

from __future__ import annotations

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


Operand = Reads | Writes | Table


@dataclass(frozen=True, eq=False)
class Generated:
    """One kernel for one operator.

    Attributes:
        func: PrimFunc over raw pointers, without a symbol yet: calls with equal functions share one kernel.
        operands: What its parameters are given, in order.
    """

    func: PrimFunc
    operands: tuple[Operand, ...]
