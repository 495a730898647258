"""Weights of a kernel row of three in one element, and what the rows of a depthwise convolution unpack them to.

int8: words (w0, w1, w1, w2) of bytes, of which SXTB16 makes A = (w0, w1), and B = (w1, w2) with a rotation. int4 and
int2: three fields of an int16 or int8. What these are unpacked to has room for more bits: the shift of the sums before
they are requantized is made there, once for all outputs of a channel.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgeq.targets.dsp.intrinsics import odd_bytes, pack_halves, signed_field, sxtb16
from edgeq.targets.portable.fixed_point import bind, int32

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D

MOST_LEFT = 11
"""Bits by which a weight of four bits can be shifted within a half."""

SHIFTED = 40
"""Outputs of a channel from which on shifting its weights takes fewer instructions than shifting sums."""

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


def shifted(op: Conv2D) -> tuple[Conv2D, int]:
    """The operator for weights shifted left, and by how many bits: sums need no shift then, where there are many."""
    _, oh, ow, _ = op.y_shape
    pays = op.weight_bits < 8 and oh * ow >= SHIFTED
    left = op.requantize.left if pays and op.requantize.left <= MOST_LEFT else 0
    bias = (op.bias.astype(np.int64) << left).astype(np.int32)
    return replace(op, bias=bias, requantize=replace(op.requantize, left=op.requantize.left - left)), left


def unpacked(weights: Buffer, first: Expr, rows: int, bits: int, left: int = 0) -> list[Taps]:
    """A and B of each kernel row of a channel.

    Args:
        left: Bits by which weights of less than eight are shifted left.
    """
    packed = [bind("w", int32(weights[first + ky])) for ky in range(rows)]
    if bits == 8:
        return [(bind("a", sxtb16(word)), bind("b", odd_bytes(word))) for word in packed]
    taps = [[bind("tap", signed_field(word, bits * i, bits) * (1 << left)) for i in range(3)] for word in packed]
    return [(bind("a", pack_halves(w0, w1)), bind("b", pack_halves(w1, w2))) for w0, w1, w2 in taps]
