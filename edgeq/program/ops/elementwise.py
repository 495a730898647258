"""Operators on elements: of two tensors, or functions of one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.program.ops.base import Op, Requantize, View


@dataclass(frozen=True, eq=False)
class Add(Op):
    """y[i] = clamp((x1*m1 + x2*m2 + c) >> shift, lo, hi): addition and subtraction, one rounding, int32 throughout.

    y is dense in the order of the loops; the views place x1 and x2 (both have the same sizes).
    """

    kind: ClassVar[str] = "add"

    x1: str
    x2: str
    view1: View
    view2: View
    m1: int
    m2: int
    c: int
    shift: int
    lo: int
    hi: int


@dataclass(frozen=True, eq=False)
class Mul(Op):
    """y[i] = requantize((x1 - zx1) * (x2 - zx2)); views as in `Add`."""

    kind: ClassVar[str] = "mul"

    x1: str
    x2: str
    view1: View
    view2: View
    x1_zero_point: int
    x2_zero_point: int
    requantize: Requantize


@dataclass(frozen=True, eq=False)
class Lut(Op):
    """y[i] = table[x[i] + 128]: any function of one int8 value.

    Attributes:
        table: int8 or int16, (256,).
    """

    kind: ClassVar[str] = "lut"

    x: str
    table: np.ndarray


@dataclass(frozen=True, eq=False)
class Interpolate(Op):
    """Any function of one int16 value, linear between the nodes of a table.

    u = x[i] + 2^15, k = u >> 7, f = u & 127; y[i] = clamp((t[k] * (128 - f) + t[k+1] * f + half) >> shift, lo, hi).

    Attributes:
        table: int32, (513,), |t| <= 2^22: the function at every 128th integer, in steps of y / 2^(shift - 7).
    """

    kind: ClassVar[str] = "interpolate"

    x: str
    table: np.ndarray
    shift: int
    lo: int
    hi: int
