"""FlexRound: learns what to divide each weight by before it is rounded."""

from __future__ import annotations

import numpy as np

from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.learned import Learned
from edgeq.reconstruct.straight_through import straight_through
from edgeq.reconstruct.training import within_cells


class FlexRound(Learned):
    """Divides weights by learned numbers and rounds them to nearest.

    The gradient by a divisor is in proportion to the weight (reciprocal rule): large weights, which matter more, move
    further. Weights that are zero stay.

    Source: Lee et al., "FlexRound: Learnable Rounding based on Element-wise Division for Post-Training Quantization",
    ICML 2023, section 3, equation 2 and proposition 3.1.

    `rate` is that of the divisors' logarithms.
    """

    def variables(self, layer: Layer, start: Solution) -> Divided:
        return Divided(layer, start, self.rate, self.scale_rate)


class Divided:
    """W = s1 * clip(round(w / (s1 * S2 * s3))), all of them positive: parameters are s1 and the logarithms of S2, s3.

    S2 has the shape of the weight, s3 one number per output. The paper's s4, one per input channel of a convolution,
    would tie taps together that rows of a matrix no longer know of: S2 does its work.
    """

    def __init__(self, layer: Layer, start: Solution, rate: float, scale_rate: float) -> None:
        self._layer, self.scale = layer, start.scale.copy()
        self._weight = (within_cells(layer.weight, start) * self.scale[..., None]).astype(np.float32)
        self.element, self.output = np.zeros_like(self._weight), np.zeros((*self.scale.shape, 1), np.float32)
        self.parameters = [self.element, self.output, self.scale]
        self.rates: list[float | np.ndarray] = [rate, rate, scale_rate * start.scale]

    def weight(self) -> np.ndarray:
        integers, scale = self.rounded()
        return integers * scale[..., None]

    def gradients(self, by_weight: np.ndarray, done: float) -> list[np.ndarray]:
        steps, layer = self._steps(), self._layer
        by_steps, by_scale = straight_through(by_weight, steps, self.scale, layer.limits, shared=layer.shared)
        by_element = -by_steps * steps
        return [by_element, by_element.sum(axis=-1, keepdims=True), by_scale]

    def rounded(self) -> tuple[np.ndarray, np.ndarray]:
        np.maximum(self.scale, self._layer.floor, out=self.scale)
        return np.rint(self._steps()).clip(*self._layer.limits), self.scale.copy()

    def _steps(self) -> np.ndarray:
        return self._weight / (self.scale[..., None] * np.exp(self.element + self.output))
