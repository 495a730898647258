"""Operators with weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.program.ops.base import Op, Requantize


@dataclass(frozen=True, eq=False)
class Conv2D(Op):
    """Convolution over NHWC: x (n, ih, iw, c), y (n, oh, ow, o). A 1-D convolution has ih = kh = 1.

    Attributes:
        weight: int8, logical (o, kh, kw, c / groups), values within `weight_bits`.
        weight_bits: 8, 4 or 2.
        bias: int32 (o,), the input zero point already folded: b - zx * sum(w).
        x_zero_point: The value that a padded element counts as.
        pads: (top, left, bottom, right).
        block: Input channels whose weights are narrow codes times one factor (`quant.blocks`): kernels may store them
            so. 0: none.
    """

    kind: ClassVar[str] = "conv2d"

    x: str
    x_shape: tuple[int, int, int, int]
    y_shape: tuple[int, int, int, int]
    weight: np.ndarray
    weight_bits: int
    bias: np.ndarray
    x_zero_point: int
    requantize: Requantize
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1
    block: int = 0

    @property
    def macs(self) -> int:
        return int(np.prod(self.y_shape, dtype=np.int64)) * int(np.prod(self.weight.shape[1:], dtype=np.int64))

    @property
    def depthwise(self) -> bool:
        """True where each input channel makes its own output channels."""
        return self.groups > 1 and self.groups == self.x_shape[3]


@dataclass(frozen=True, eq=False)
class Dense(Op):
    """Matrix times constant matrix: x (rows, k), y (rows, o).

    Attributes:
        weight: int8, logical (o, k), values within `weight_bits`.
        bias: int32 (o,), input zero point folded.
        block: As of `Conv2D`.
    """

    kind: ClassVar[str] = "dense"

    x: str
    rows: int
    weight: np.ndarray
    weight_bits: int
    bias: np.ndarray
    requantize: Requantize
    block: int = 0

    @property
    def macs(self) -> int:
        return self.rows * int(self.weight.size)
