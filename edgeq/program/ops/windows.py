"""Operators over the windows of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.program.ops.base import Op, Requantize


@dataclass(frozen=True, eq=False)
class AveragePool(Op):
    """acc = sum over the window's valid elements of (x - zx), requantized with the multiplier of its divisor.

    Attributes:
        counts: int32 (oh, ow): index into `requantize.multiplier` for each output position (borders divide by less).
    """

    kind: ClassVar[str] = "average_pool"

    x: str
    x_shape: tuple[int, int, int, int]
    y_shape: tuple[int, int, int, int]
    kernel: tuple[int, int]
    x_zero_point: int
    requantize: Requantize
    counts: np.ndarray
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class MaxPool(Op):
    """Maximum over the window's valid elements (padding is minus infinity), clamped to lo..hi."""

    kind: ClassVar[str] = "max_pool"

    x: str
    x_shape: tuple[int, int, int, int]
    y_shape: tuple[int, int, int, int]
    kernel: tuple[int, int]
    lo: int
    hi: int
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
