"""Weights of a kernel row of three in one element, and what the rows of a depthwise convolution unpack them to.

int8: words (w0, w1, w1, w2) of bytes, of which SXTB16 makes A = (w0, w1), and B = (w1, w2) with a rotation. int4 and
int2: three fields of an int16 or int8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.targets.dsp.intrinsics import odd_bytes, pack_halves, signed_field, sxtb16
from edgeq.targets.portable.fixed_point import bind, int32

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

Taps = tuple["Expr", "Expr"]
"""The words A and B of a kernel row."""

ROW = {8: np.int32, 4: np.int16, 2: np.int8}
"""Type of the weights of a kernel row, by the bits of one."""


def packed_weights(weight: np.ndarray, bits: int) -> np.ndarray:
    """Weights of each kernel row in one element: (c * kh).

    Args:
        weight: int8 (c, kh, 3, 1).
    """
    if bits == 8:
        return np.ascontiguousarray(weight[:, :, [0, 1, 1, 2], 0]).view("<i4").astype(np.int32).reshape(-1)
    fields = (weight[..., 0].astype(np.int64) & ((1 << bits) - 1)) << (bits * np.arange(3))
    return fields.sum(axis=2).reshape(-1).astype(ROW[bits])


def unpacked(weights: Buffer, first: Expr, rows: int, bits: int) -> list[Taps]:
    """A and B of each kernel row of a channel."""
    packed = [bind("w", int32(weights[first + ky])) for ky in range(rows)]
    if bits == 8:
        return [(bind("a", sxtb16(word)), bind("b", odd_bytes(word))) for word in packed]
    taps = [[bind("tap", signed_field(word, bits * i, bits)) for i in range(3)] for word in packed]
    return [(bind("a", pack_halves(w0, w1)), bind("b", pack_halves(w1, w2))) for w0, w1, w2 in taps]
