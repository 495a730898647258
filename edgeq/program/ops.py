"""The operators of the integer program: frozen dataclasses, one per kernel call.

Buffers are named by strings. Weights, biases and multipliers are *logical* arrays: `lower` packs them into the order
that a kernel wants. The arithmetic of each operator is that of docs/NUMERICS.md; `interpreter.py` executes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np


@dataclass(frozen=True, eq=False)
class Requantize:
    """acc -> y = clamp(zero_point + ((a * m + 2^30) >> 31), lo, hi), a = acc << left or (acc + 2^(right-1)) >> right.

    Attributes:
        multiplier: int32, one per output channel, or of length 1; 0 <= m < 2^30.
        left: Exact pre-shift of the accumulator, for real multipliers of one half or more.
        right: Rounding pre-shift of a widened (int64) accumulator into int32. At most one of the two is non-zero.
        zero_point, lo, hi: Of the output; lo and hi carry the fused activation.
        negative: Multipliers for acc < 0 (PReLU, LeakyReLU), like `multiplier`; None where sign does not matter.
            May be negative: |m| < 2^30.
    """

    multiplier: np.ndarray
    zero_point: int
    lo: int
    hi: int
    left: int = 0
    right: int = 0
    negative: np.ndarray | None = None


@dataclass(frozen=True)
class View:
    """Nested loops over a buffer: element (i0, i1, ...) lies at offset + sum(i_k * strides_k).

    Offsets and strides count elements; a stride of 0 broadcasts, a negative one reverses.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0


@dataclass(frozen=True, eq=False)
class Op:
    """One kernel call.

    Attributes:
        name: Name of the ONNX node it came from: for people, never for code.
        y: The buffer it writes.
    """

    kind: ClassVar[str]

    name: str
    y: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Buffers read, in order."""
        return tuple(getattr(self, f.name) for f in fields(self) if f.name in ("x", "x1", "x2"))

    @property
    def writes(self) -> tuple[str, ...]:
        """Buffers written."""
        return (self.y,)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one call."""
        return 0

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """The constant arrays of the operator, with their field names, those of `requantize` included."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                yield f.name, value
            elif isinstance(value, Requantize):
                yield "multiplier", value.multiplier
                if value.negative is not None:
                    yield "negative", value.negative


@dataclass(frozen=True, eq=False)
class Conv2D(Op):
    """Convolution over NHWC: x (n, ih, iw, c), y (n, oh, ow, o). A 1-D convolution has ih = kh = 1.

    Attributes:
        weight: int8, logical (o, kh, kw, c / groups), values within `weight_bits`.
        weight_bits: 8, 4 or 2.
        bias: int32 (o,), the input zero point already folded: b - zx * sum(w).
        x_zero_point: The value that a padded element counts as.
        pads: (top, left, bottom, right).
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
    """

    kind: ClassVar[str] = "dense"

    x: str
    rows: int
    weight: np.ndarray
    weight_bits: int
    bias: np.ndarray
    requantize: Requantize

    @property
    def macs(self) -> int:
        return self.rows * int(self.weight.size)


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
