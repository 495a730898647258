"""Training-free scores of how much a narrower layer hurts: nothing of the network is run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.search.space import Knob
from edgeq.search.strategy import Layer

Proxy = Callable[[Layer, Knob, int], float]
"""From a layer, the knob of its width and a width in bits to a score; larger is worse, 0 where nothing is known."""

BINS = 256


def rounded(values: np.ndarray, bits: int, axis: int | None) -> np.ndarray:
    """Values rounded to symmetric integers over their own extent: per index of `axis`, or all alike."""
    axes = None if axis is None else tuple(a for a in range(values.ndim) if a != axis)
    extent = np.abs(values).max(axis=axes, keepdims=True)
    scale = np.maximum(extent / ((1 << (bits - 1)) - 1), 1e-30)
    return np.rint(values / scale) * scale


def noise(layer: Layer, knob: Knob, bits: int) -> float:
    """Noise-to-signal ratio of what rounding changes: of the weights, or of the layer's output.

    The quality proxy without data of which EMQ's search starts: Dong et al., "EMQ: Evolving Training-free Proxies for
    Automated Mixed Precision Quantization", ICCV 2023, section 3.1.
    """
    exact = layer.weight if knob.option == "weight_bits" else layer.outputs
    if exact is None:
        return 0.0
    error = exact - rounded(exact, bits, 0 if knob.option == "weight_bits" else None)
    return float(np.square(error).sum() / max(float(np.square(exact).sum()), 1e-30))


def hessian_trace(layer: Layer, knob: Knob, bits: int) -> float:
    """Mean trace of the layer-wise Hessian times the squared rounding error of the weights.

    The Hessian of the layer's squared output error is the second moment of its inputs, so its mean trace is their mean
    square. Source: Dong et al., "HAWQ-V2", NeurIPS 2020, section 3.1, equation 6; Nagel et al., "Up or Down?", ICML
    2020, section 3.3, equation 12 (the layer-wise Hessian).
    """
    if knob.option == "weight_bits":
        if layer.weight is None:
            return 0.0
        changed = np.square(layer.weight - rounded(layer.weight, bits, 0)).sum()
        size = np.square(layer.outputs).mean() * len(layer.weight)
        return float(np.square(layer.inputs).mean() * changed / max(float(size), 1e-30))
    return noise(layer, knob, bits)


def entropy(layer: Layer, knob: Knob, bits: int) -> float:
    """Entropy that the values of weights or outputs lose when they are rounded, in bits.

    Source: Tao et al., "Value-Driven Mixed-Precision Quantization for Patch-Based Inference on Microcontrollers"
    (QuantMCU), DATE 2024, arXiv:2401.13714 (VDQS: entropy in place of accuracy).
    """
    exact = layer.weight if knob.option == "weight_bits" else layer.outputs
    if exact is None:
        return 0.0
    return max(_entropy(exact) - _entropy(rounded(exact, bits, None)), 0.0)


def _entropy(values: np.ndarray) -> float:
    counts, _ = np.histogram(values, bins=BINS)
    share = counts[counts > 0] / values.size
    return float(-(share * np.log2(share)).sum())


PROXIES: dict[str, Proxy] = {"noise": noise, "hessian_trace": hessian_trace, "entropy": entropy}
"""By name, in the order in which their first answers are tried."""
