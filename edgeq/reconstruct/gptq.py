"""Second-order rounding: GPTQ over a grid of scales, then coordinate descent and refitted scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.reconstruct.columns import round_columns
from edgeq.reconstruct.layer import Layer, Moments, Solution
from edgeq.reconstruct.quadratic import Points, Quadratic, damped
from edgeq.reconstruct.scales import full_scale
from edgeq.reconstruct.together import blend, improve_together

COARSE_GRID = np.geomspace(0.12, 1.05, 24, dtype=np.float32)
"""Scales that are tried below 8 bits, as shares of the one that clips nothing."""

FINE_GRID = np.geomspace(0.7, 1.05, 6, dtype=np.float32)
"""At 8 bits, where clipping much gains nothing."""

TRIALS = 6
"""Scales that are tried for each that is worked out further."""


@dataclass(frozen=True)
class Gptq:
    """Rounds each input's weights in turn and lets the others make up for it, in the metric of the layer's inputs.

    1. The metric is the covariance of the inputs that come through the quantized network: the bias takes up the mean.
    2. Weights are first solved anew, so that these inputs reproduce the float output (an asymmetric target): ridge
       regression towards the float weights, W + (C - W H) (H + ridge * mean diagonal)^-1.
    3. GPTQ for each scale of a grid (`round_columns`); the best few per output channel (or per tensor) are kept.
    4. These are improved by coordinate descent and closed-form scales (`Quadratic.improve`), the best one further by
       random restarts (`Quadratic.search`).

    Where the sensitivity of the network's outputs is known, it has its share in the metric of steps 3 and 4, and all
    outputs are improved together at the end (`improve_together`); candidates are compared without.

    Sources: Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers",
    ICLR 2023, section 3.3; asymmetric target: Nagel et al., "Up or Down? Adaptive Rounding for Post-Training
    Quantization", ICML 2020, section 4, equation 25.

    Attributes:
        ridge: Strength of the pull towards the float weights; None keeps them.
        damping: Share of the mean diagonal that is added to the covariance in step 3, a tenth of it in step 4.
        restarts: Of the search, where all rows are fitted; candidates are compared without.
        seed: Of the search.
    """

    ridge: float | None = None
    damping: float = 0.01
    restarts: int = 0
    seed: int = 0

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        moments = layer.all_moments if everything else layer.fit_moments
        target = layer.weight.astype(np.float64)
        if self.ridge is not None:
            target = resolve(target, moments, self.ridge)
        aim = layer.sensitivity if everything else None
        metric = moments.hessian if aim is None else blend(moments.hessian, aim.inputs)
        problem = Quadratic(target, damped(metric, self.damping / 10), layer.floor, layer.limits, layer.shared)
        starts = _start_points(layer, target, damped(metric, self.damping))
        best = problem.best(problem.improve(starts))
        if everything:
            best = problem.search(best, self.restarts, np.random.default_rng(self.seed))
            best = best if aim is None else improve_together(problem, aim.outputs, best)
        return layer.solution(best.integers[0], best.scale[0], layer.everything if everything else ~layer.held)


def resolve(weight: np.ndarray, moments: Moments, ridge: float) -> np.ndarray:
    """The weights that reproduce the target best, pulled towards `weight`: (groups, outputs, inputs)."""
    missing = moments.cross - weight @ moments.hessian
    return weight + np.linalg.solve(damped(moments.hessian, ridge), missing.transpose(0, 2, 1)).transpose(0, 2, 1)


def _start_points(layer: Layer, target: np.ndarray, hessian: np.ndarray) -> Points:
    """The best few of the grid of scales."""
    full = full_scale(layer.weight, layer.limits[1], shared=layer.shared)
    grid = FINE_GRID if layer.limits[1] == np.iinfo(np.int8).max else COARSE_GRID
    scales = np.maximum(grid[:, None, None] * full, layer.floor)
    integers, losses = round_columns(
        target.astype(np.float32), hessian, scales, lambda steps, _: np.rint(steps).clip(*layer.limits)
    )
    if layer.shared:
        losses = np.broadcast_to(losses.sum(axis=(1, 2), keepdims=True), losses.shape)
    best = losses.argsort(axis=0)[: len(grid) // TRIALS]
    return Points(np.take_along_axis(integers, best[..., None], axis=0), np.take_along_axis(scales, best, axis=0))
