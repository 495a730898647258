"""Operators on the rows of matrices that the network computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.program.ops.base import Op, Requantize


@dataclass(frozen=True, eq=False)
class Softmax(Op):
    """Softmax over the last axis: x (rows, n), y (rows, n).

    e_i = table[max - x_i]; q_i = (e_i * 2^14 + sum / 2) / sum, rounded down; y_i = requantize(q_i).

    Attributes:
        table: int32, (256,): round(2^16 * exp(-sx * d)) for the distance d to the maximum.
    """

    kind: ClassVar[str] = "softmax"

    x: str
    rows: int
    n: int
    table: np.ndarray
    requantize: Requantize
