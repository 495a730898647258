"""Operators that only place elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.program.ops.base import Op, Requantize, View


@dataclass(frozen=True, eq=False)
class Copy(Op):
    """Moves elements between two views of equal sizes, requantizing x - zx where asked.

    Transpose, slice, split, concatenation, padding, nearest resize and a change of scale are all copies.
    """

    kind: ClassVar[str] = "copy"

    x: str
    x_view: View
    y_view: View
    x_zero_point: int = 0
    requantize: Requantize | None = None


@dataclass(frozen=True, eq=False)
class Fill(Op):
    """Sets every element of y to `value` (the border of a padding that no kernel absorbs)."""

    kind: ClassVar[str] = "fill"

    value: int


@dataclass(frozen=True, eq=False)
class Gather(Op):
    """Rows of a constant table by computed positions (embeddings): y[i] = table[clip(x[i], 0, rows - 1)].

    Attributes:
        table: int8 or int16, (rows, depth), on the grid of y.
    """

    kind: ClassVar[str] = "gather"

    x: str
    table: np.ndarray
