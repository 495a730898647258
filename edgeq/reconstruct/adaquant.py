"""AdaQuant: learns weights, scales and biases of a layer through rounding to nearest."""

from __future__ import annotations

import numpy as np

from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.learned import Learned
from edgeq.reconstruct.straight_through import straight_through
from edgeq.reconstruct.training import within_cells


class AdaQuant(Learned):
    """Moves the continuous weights, the scales and the biases so that the rounded layer gives the float output.

    Weights may move as far as they like: no integer is out of reach.

    Source: Hubara et al., "Improving Post Training Neural Quantization: Layer-wise Calibration and Integer
    Programming", 2020, section 3.1, equation 2 (perturbation V of the weights, with scale and bias).

    `rate` is a share of the scale.
    """

    def variables(self, layer: Layer, start: Solution) -> Perturbed:
        return Perturbed(layer, start, self.rate, self.scale_rate)


class Perturbed:
    """W = s * clip(round((w + V) / s)); the sum w + V is one parameter."""

    def __init__(self, layer: Layer, start: Solution, rate: float, scale_rate: float) -> None:
        self._layer = layer
        self.scale = start.scale.copy()
        self.moved = (within_cells(layer.weight, start) * self.scale[..., None]).astype(np.float32)
        self.parameters = [self.moved, self.scale]
        self.rates: list[float | np.ndarray] = [rate * start.scale[..., None], scale_rate * start.scale]

    def weight(self) -> np.ndarray:
        integers, scale = self.rounded()
        return integers * scale[..., None]

    def gradients(self, by_weight: np.ndarray, done: float) -> list[np.ndarray]:
        steps = self.moved / self.scale[..., None]
        by_steps, by_scale = straight_through(
            by_weight, steps, self.scale, self._layer.limits, shared=self._layer.shared
        )
        return [by_steps / self.scale[..., None], by_scale]

    def rounded(self) -> tuple[np.ndarray, np.ndarray]:
        np.maximum(self.scale, self._layer.floor, out=self.scale)
        return np.rint(self.moved / self.scale[..., None]).clip(*self._layer.limits), self.scale.copy()
