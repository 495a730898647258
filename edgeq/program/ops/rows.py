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


@dataclass(frozen=True, eq=False)
class LayerNorm(Op):
    """Normalization of each row to mean 0 and variance 1: x (rows, n), y (rows, n).

    d_i = n * x_i - sum(x), v = sum(d_i * x_i) + epsilon / 4^fraction, t_i = 2^16 * d_i / sqrt(v) as docs/NUMERICS.md
    says;
    y_i = clamp((((t_i * m_i + 2^30) >> 31) + bias_i) >> shift, lo, hi).

    Attributes:
        fraction: Half the fractional bits of v.
        epsilon: round(epsilon * n^2 / sx^2 * 4^fraction), at most 2^60.
        multiplier: int32 (n,), |m| < 2^30.
        bias: int32 (n,), |bias| < 2^30; the output's zero point and the half of the rounding are in it.
        shift: 0 to 8.
    """

    kind: ClassVar[str] = "layer_norm"

    x: str
    rows: int
    n: int
    fraction: int
    epsilon: int
    multiplier: np.ndarray
    bias: np.ndarray
    shift: int
    lo: int
    hi: int


@dataclass(frozen=True, eq=False)
class MatMul(Op):
    """Products of matrices that are both computed: x1 (batch, m, k), x2 (batch, n, k), y (batch, m, n).

    y = requantize(sum over k of (x1 - zx1) * (x2 - zx2)): rows of the one times rows of the other.
    """

    kind: ClassVar[str] = "matmul"

    x1: str
    x2: str
    batch: int
    m: int
    n: int
    k: int
    x1_zero_point: int
    x2_zero_point: int
    requantize: Requantize

    @property
    def macs(self) -> int:
        return self.batch * self.m * self.n * self.k
