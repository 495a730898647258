"""Weights in blocks of input channels, each block with an integer factor of its own: narrow codes, wide weights.

A block's weights are factor * code, so that sum(w * x) = sum over blocks of factor * sum(code * x), exactly: to the
arithmetic they are int8 weights like others. As real numbers, blocks have the scales factor * scale of the channel.

Source: Dai et al., "VS-Quant: Per-vector Scaled Quantization for Accurate Low-Precision Neural Network Inference",
MLSys 2021, section 4.4 (two-level scales: an integer per vector, a real number per channel).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CODE_BITS = (2, 4)

MOST = 127
"""Of factors, and of the magnitudes of weights: they are int8."""

TOLERANCE = 1e-4
"""Of a factor that was stored in a float32 scale."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Int8 weights as codes and factors.

    Attributes:
        bits: Of a code.
        codes: int8, (rows, block).
        factors: int8, 1 or more, (rows,).
    """

    bits: int
    codes: np.ndarray
    factors: np.ndarray


def largest_factor(bits: int) -> int:
    """The one with which all codes give int8 weights: 15 for 4 bits, 63 for 2."""
    return MOST >> (bits - 1)


def factored(rows: np.ndarray) -> Blocks:
    """Codes as narrow as they can be: each block's factor is the greatest common divisor of its weights.

    Args:
        rows: int8, (rows, block).

    Raises:
        ValueError: Some code has more than 4 bits.
    """
    factors = np.maximum(np.gcd.reduce(rows.astype(np.int16), axis=1), 1)
    codes = rows // factors[:, None]
    for bits in CODE_BITS:
        if codes.min(initial=0) >= -(1 << (bits - 1)) and codes.max(initial=0) < 1 << (bits - 1):
            return Blocks(bits, codes.astype(np.int8), factors.astype(np.int8))
    raise ValueError("the weights are no narrow codes times one factor per block")


def common_scale(scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales of blocks as integer factors times one scale per channel, the largest that there is.

    Args:
        scales: (channels, blocks).

    Returns:
        The scales of the channels, float32 (channels,), and the factors, int64 (channels, blocks).

    Raises:
        ValueError: Some channel has none whose factors are int8.
    """
    wide = np.asarray(scales, np.float64)
    largest = wide.max(axis=1)
    scale, factors = np.zeros_like(largest), np.zeros(wide.shape, np.int64)
    for divisor in range(1, MOST + 1):
        ratios = wide / (largest / divisor)[:, None]
        found = (np.abs(ratios - np.rint(ratios)) < TOLERANCE).all(axis=1) & (scale == 0)
        scale = np.where(found, largest / divisor, scale)
        factors = np.where(found[:, None], np.rint(ratios).astype(np.int64), factors)
    if not (scale > 0).all():
        raise ValueError(f"scales of blocks are not 1 to {MOST} times one scale per channel")
    return scale.astype(np.float32), factors
