"""What all operators share: requantization, views of memory, one kernel call."""

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
