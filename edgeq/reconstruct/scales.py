"""Scales of weights: that clip nothing, and that make the least error."""

from __future__ import annotations

import numpy as np

SHARES = np.linspace(0.2, 1.0, 81, dtype=np.float32)
"""Scales that are tried, as shares of the one that clips nothing."""


def full_scale(weight: np.ndarray, high: int, *, shared: bool) -> np.ndarray:
    """The scale that clips nothing: (groups, outputs).

    Args:
        weight: (groups, outputs, inputs).
        high: Largest integer.
        shared: One scale for all outputs.
    """
    largest = np.abs(weight).max(axis=-1)
    return (np.full_like(largest, largest.max()) if shared else largest) / np.float32(high)


def clipped_scale(weight: np.ndarray, floor: np.ndarray, low: int, high: int, *, shared: bool) -> np.ndarray:
    """The scale of least mean square error of the weights, rounded to nearest and clipped: (groups, outputs).

    Source: Banner et al., "Post-Training 4-Bit Quantization of Convolution Networks for Rapid-Deployment", NeurIPS
    2019, section 3 (clipping against rounding noise); by search, as Nagel et al., arXiv:2106.08295, 2021, section 3.1.

    Args:
        weight: (groups, outputs, inputs).
        floor: Least scale: (groups, outputs).
        low, high: Limits of the integers.
        shared: One scale for all outputs.
    """
    full = full_scale(weight, high, shared=shared)
    best, least = np.maximum(full, floor), np.full(full.shape, np.inf)
    for share in SHARES:
        tried = np.maximum(share * full, floor)
        rounded = np.rint(weight / tried[..., None]).clip(low, high) * tried[..., None]
        loss = np.square(rounded - weight, dtype=np.float64).sum(axis=-1)
        if shared:
            loss = np.full_like(loss, loss.sum())
        best, least = np.where(loss <= least, tried, best), np.minimum(loss, least)
    return best
