"""Second-order rounding: GPTQ over a grid of scales, then coordinate descent and refitted scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.reconstruct.layer import Layer, Moments, Solution
from edgeq.reconstruct.quadratic import damped, descend, refit_scale, round_columns
from edgeq.reconstruct.scales import full_scale

SCALE_GRID = np.linspace(0.4, 1.05, 14, dtype=np.float32)
"""Scales that are tried, as shares of the one that clips nothing."""


@dataclass(frozen=True)
class Gptq:
    """Rounds each input's weights in turn and lets the others make up for it, in the metric of the layer's inputs.

    1. The metric is the covariance of the inputs that come through the quantized network: the bias takes up the mean.
    2. Weights are first solved anew, so that these inputs reproduce the float output (an asymmetric target): ridge
       regression towards the float weights, W + (C - W H) (H + ridge * mean diagonal)^-1.
    3. GPTQ for each scale of a grid; per output channel (or per tensor) the best is kept.
    4. Alternately coordinate descent on the integers and the best scale for them, in closed form.

    Sources: Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers",
    ICLR 2023, section 3.3; Frantar and Alistarh, "Optimal Brain Compression", NeurIPS 2022, section 5; asymmetric
    target: Nagel et al., "Up or Down?", ICML 2020, section 4, equation 25; descent: Behdin et al., "QuantEase", 2023.

    Attributes:
        ridge: Strength of the pull towards the float weights; None keeps them.
        damping: Share of the mean diagonal that is added to the covariance.
        rounds: Alternations of descent and scale.
    """

    ridge: float | None = None
    damping: float = 0.01
    rounds: int = 3

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        moments = layer.all_moments if everything else layer.fit_moments
        hessian = damped(moments.hessian, self.damping)
        target = layer.weight.astype(np.float64)
        if self.ridge is not None:
            target = resolve(target, moments, self.ridge)
        integers, scale = _best_of_grid(layer, target, hessian)
        for _ in range(self.rounds):
            scale = np.maximum(refit_scale(integers, target, hessian, scale, shared=layer.shared), layer.floor)
            integers = descend(integers, target, hessian, scale, *layer.limits)
        return layer.solution(integers, scale, layer.everything if everything else ~layer.held)


def resolve(weight: np.ndarray, moments: Moments, ridge: float) -> np.ndarray:
    """The weights that reproduce the target best, pulled towards `weight`: (groups, outputs, inputs)."""
    missing = moments.cross - weight @ moments.hessian
    return weight + np.linalg.solve(damped(moments.hessian, ridge), missing.transpose(0, 2, 1)).transpose(0, 2, 1)


def _best_of_grid(layer: Layer, target: np.ndarray, hessian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    full = full_scale(layer.weight, layer.limits[1], shared=layer.shared)
    scales = np.maximum(SCALE_GRID[:, None, None] * full, layer.floor)
    integers, losses = round_columns(target.astype(np.float32), hessian, scales, *layer.limits)
    if layer.shared:
        losses = np.broadcast_to(losses.sum(axis=(1, 2), keepdims=True), losses.shape)
    best = losses.argmin(axis=0)[None]
    return np.take_along_axis(integers, best[..., None], axis=0)[0], np.take_along_axis(scales, best, axis=0)[0]
