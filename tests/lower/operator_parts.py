"""What random operators are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from edgeq.program.ops import Op, Requantize
from edgeq.program.program import Buffer


@dataclass(frozen=True)
class Case:
    """Operators over buffers called x (or x1, x2) and y; y and all that is not constant are the program's ports."""

    op: Op
    buffers: dict[str, Buffer]
    more: tuple[Op, ...] = ()


def buffer(name: str, shape: tuple[int, ...], bits: int) -> Buffer:
    return Buffer(name, shape, bits)


bits = st.sampled_from([8, 8, 16, 4])


def zero_point(width: int) -> st.SearchStrategy[int]:
    return st.just(0) if width == 16 else st.integers(*limits(width))


def limits(width: int) -> tuple[int, int]:
    return -(1 << (width - 1)), (1 << (width - 1)) - 1


@st.composite
def requantizes(draw: st.DrawFn, y_bits: int, lengths: Sequence[int], reach: float, widened: bool) -> Requantize:
    """Multipliers for accumulators of typical size `reach`; with every form of pre-shift and sign."""
    low, high = limits(y_bits)
    lo = draw(st.integers(low, high))
    hi = draw(st.integers(lo, high))
    right = draw(st.integers(1, 6)) if widened else 0
    left = draw(st.integers(0, 3)) if not widened and reach < 2**27 else 0
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    length = draw(st.sampled_from(lengths))
    real = rng.uniform(0.1, 2, length) * high / max(reach / 8, 1) * 2.0 ** (31 - left + right)
    multiplier = np.minimum(real, (1 << 30) - 1).astype(np.int32)
    negative = (multiplier * rng.uniform(-1, 1, length)).astype(np.int32) if draw(st.booleans()) else None
    return Requantize(multiplier, draw(zero_point(y_bits)), lo, hi, left, right, negative)


def random_integers(draw: st.DrawFn, shape: tuple[int, ...], width: int) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    low, high = limits(width)
    return rng.integers(low, high + 1, shape).astype(np.int8 if width <= 8 else np.int16)
