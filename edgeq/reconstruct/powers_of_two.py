"""GPTQ on the grid of 0 and powers of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.quant.grids import Codebook, best_scale, powers_of_two
from edgeq.reconstruct.columns import round_columns
from edgeq.reconstruct.gptq import resolve
from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.quadratic import damped

OCTAVE = 2.0 ** np.linspace(-0.5, 0.5, 9)
"""Scales that are tried, as shares of the one nearest to the weights: the grid looks the same an octave further."""


@dataclass(frozen=True)
class PowersOfTwo:
    """Rounds each input's weights in turn to 0 or +-2^k, and lets the others make up for it, as `Gptq` does.

    Sources: Zhou et al., "Incremental Network Quantization", ICLR 2017, section 2.1, equation 1 (the grid); Frantar et
    al., "GPTQ", ICLR 2023, section 3.3, in place of its retraining.

    Attributes:
        ridge: Weights are first solved anew for the quantized inputs, pulled this much towards the float ones; None
            keeps them.
        damping: Share of the mean diagonal that is added to the covariance.
    """

    ridge: float | None = None
    damping: float = 0.01

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        moments = layer.all_moments if everything else layer.fit_moments
        target = layer.weight if self.ridge is None else resolve(layer.weight, moments, self.ridge).astype(np.float32)
        codebook, largest = _grid(layer.limits[1])
        scales = np.maximum((OCTAVE[:, None, None] * _nearest_scale(layer, codebook) / largest), layer.floor)
        scales = scales.astype(np.float32)

        def rounded(steps: np.ndarray, _: np.ndarray) -> np.ndarray:
            return largest * codebook.nearest(steps / largest)

        integers, losses = round_columns(target, damped(moments.hessian, self.damping), scales, rounded)
        if layer.shared:
            losses = np.broadcast_to(losses.sum(axis=(1, 2), keepdims=True), losses.shape)
        best = losses.argmin(axis=0)[None]
        found = np.take_along_axis(integers, best[..., None], axis=0)[0]
        scale = np.take_along_axis(scales, best, axis=0)[0]
        return layer.solution(found, scale, layer.everything if everything else ~layer.held)


def _grid(high: int) -> tuple[Codebook, int]:
    """All powers of two up to an integer, and the largest of them."""
    exponents = high.bit_length()
    return powers_of_two(1 + exponents.bit_length()), 1 << (exponents - 1)


def _nearest_scale(layer: Layer, codebook: Codebook) -> np.ndarray:
    """Of the largest level, (groups, outputs)."""
    weight = layer.weight
    rows = weight.reshape(1, -1) if layer.shared else weight.reshape(-1, weight.shape[-1])
    scale = best_scale(rows, codebook)
    return np.full(weight.shape[:2], scale.item()) if layer.shared else scale.reshape(weight.shape[:2])
