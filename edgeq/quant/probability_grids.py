"""Grids for what Softmax puts out, numbers from 0 to 1 of which most are small. Analysis only: NumPy, no kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgeq.quant.grids import Codebook

BASES = 2.0 ** -np.linspace(0.05, 1.2, 24)
"""Ratios of neighbouring levels that the adaptive logarithm chooses from."""

ANGLES = np.linspace(0.2, 1.5, 14)
"""Of the tangent that is used, in radians: 0 would be evenly spaced."""


def even(bits: int) -> Codebook:
    """What edgeq's kernels put out: multiples of 2^-bits below 1."""
    return Codebook(f"even {bits}", np.arange(1 << bits) / (1 << bits))


def logarithmic(bits: int, base: float) -> Codebook:
    """0 and the powers of a base below 1: of 1/2 a product is a shift.

    Sources: Miyashita et al., arXiv:1603.01025, 2016, section 3 (1/2); Li et al., "RepQ-ViT", ICCV 2023, section 3.3,
    equation 14 (the root of 1/2); Wu et al., "AdaLog: Post-Training Quantization for Vision Transformers with Adaptive
    Logarithm Quantizer", ECCV 2024, section 3.2 (any base).
    """
    powers = base ** np.arange((1 << bits) - 1, dtype=np.float64)
    return Codebook(f"log {base:.3f}", np.concatenate([[0.0], powers[::-1]]))


def tangent(bits: int, angle: float) -> Codebook:
    """tan(angle * t) / tan(angle) for evenly spaced t from 0 to 1: dense near 0, and less coarse near 1 than powers.

    Source: after the TanQ of Yang et al., "DopQ-ViT: Towards Distribution-Friendly and Outlier-Aware Post-Training
    Quantization for Vision Transformers", arXiv:2408.03291, 2024.
    """
    steps = np.arange(1 << bits) / ((1 << bits) - 1)
    return Codebook(f"tan {angle:.1f}", np.tan(angle * steps) / np.tan(angle))


FAMILIES: dict[str, Callable[[int], list[Codebook]]] = {
    "even": lambda bits: [even(bits)],
    "log2": lambda bits: [logarithmic(bits, 0.5)],
    "log_sqrt2": lambda bits: [logarithmic(bits, 2.0**-0.5)],
    "adaptive_log": lambda bits: [logarithmic(bits, float(base)) for base in BASES],
    "tangent": lambda bits: [tangent(bits, float(angle)) for angle in ANGLES],
}
"""The grids of a width, by the name of their family; a layer takes the best of its family."""


def best_codebook(values: np.ndarray, codebooks: Sequence[Codebook]) -> Codebook:
    """That of several grids which leaves the least square error."""
    return min(codebooks, key=lambda book: float(np.square(book.nearest(values) - values).sum()))
