"""How far predictions are from each other."""

from __future__ import annotations

import numpy as np

TINY = 1e-7


def prediction_difference(reference: np.ndarray, outputs: np.ndarray, *, probabilities: bool) -> float:
    """Kullback-Leibler divergence of probabilities, mean over samples; the noise-to-signal ratio of other outputs.

    Source: Liu et al., "PD-Quant: Post-Training Quantization based on Prediction Difference Metric", CVPR 2023,
    section 3.2.

    Args:
        reference, outputs: (samples, elements).
        probabilities: Whether elements are probabilities of classes.
    """
    exact, got = reference.astype(np.float64), outputs.astype(np.float64)
    if probabilities:
        return float((exact * np.log((exact + TINY) / (got + TINY))).sum(axis=1).mean())
    return float(np.square(exact - got).sum() / max(float(np.square(exact).sum()), TINY))
