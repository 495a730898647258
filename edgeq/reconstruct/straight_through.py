"""Rounding and clipping as descent sees them: the straight-through estimator."""

from __future__ import annotations

import numpy as np


def straight_through(
    by_weight: np.ndarray, steps: np.ndarray, scale: np.ndarray, limits: tuple[int, int], *, shared: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients through W = s * clip(round(u)), u = w / s, where rounding passes them and clipping does not.

    Source: Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons", 2013, section 4; the scale:
    Esser et al., "Learned Step Size Quantization", ICLR 2020, section 2.1, equation 3.

    Args:
        by_weight: Gradient by W, (groups, outputs, inputs).
        steps: u.
        scale: s, (groups, outputs).
        shared: One scale for all outputs.

    Returns:
        Gradients by u, (groups, outputs, inputs), and by s while w stays, (groups, outputs).
    """
    low, high = limits
    inside = (steps >= low - 0.5) & (steps <= high + 0.5)
    by_scale = (by_weight * (np.rint(steps).clip(low, high) - steps * inside)).sum(axis=-1)
    return by_weight * inside * scale[..., None], np.full_like(by_scale, by_scale.sum()) if shared else by_scale
