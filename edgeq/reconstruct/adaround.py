"""AdaRound: learns for each weight whether to round up or down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.method import Method
from edgeq.reconstruct.training import train, within_cells

ZETA, GAMMA = 1.1, -0.1
"""The sigmoid is stretched to this interval and cut at 0 and 1, so that it can reach both."""

EDGE = 0.01
"""So far from 0 and 1, where the slope vanishes, every h begins."""

BETA_FIRST, BETA_LAST = 20.0, 2.0
"""Exponent of the regularizer: a high one leaves the middle alone, a low one drives everything to 0 or 1."""

WARM_UP = 0.2
"""Share of the steps without regularizer."""


@dataclass(frozen=True)
class AdaRound:
    """Rounds each weight up or down, as gradient descent on the layer's output error says; scales stay.

    Starts from the integers of another method: the choice is between each of them and its neighbour on the side of the
    float weight. Biases are learned along.

    Source: Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020, section 3.

    Attributes:
        start: Gives scales and first integers.
        steps: At most so many.
        rate: Step of the variables V.
        strength: Weight of the regularizer's mean, against the loss of the start.
        seed: Chooses the rows of each step.
    """

    start: Method
    steps: int = 1000
    rate: float = 0.03
    strength: float = 0.3
    seed: int = 0

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        start = self.start.solve(layer, everything=everything)
        soft = UpOrDown(layer, start, self.rate, self.strength * layer.loss(start, ~layer.held))
        return train(layer, soft, start, self.steps, self.seed)


class UpOrDown:
    """W = s * (lower + h(V)), h the rectified sigmoid (equations 22 to 24).

    Args:
        strength: Weight of the mean of the regularizer.
    """

    def __init__(self, layer: Layer, start: Solution, rate: float, strength: float) -> None:
        low, high = layer.limits
        steps = within_cells(layer.weight, start)
        lower = start.integers - (steps < start.integers)
        self._lower, self._scale, self._strength = lower.clip(low, high - 1), start.scale, strength
        share = (np.clip(steps - self._lower, EDGE, 1 - EDGE) - GAMMA) / (ZETA - GAMMA)
        self.v = np.log(share / (1 - share)).astype(np.float32)
        self.parameters: list[np.ndarray] = [self.v]
        self.rates: list[float | np.ndarray] = [rate]

    def weight(self) -> np.ndarray:
        return self._scale[..., None] * (self._lower + self._rectified())

    def gradients(self, by_weight: np.ndarray, done: float) -> list[np.ndarray]:
        by_share = by_weight * self._scale[..., None]
        if done >= WARM_UP:
            by_share = by_share + self._strength / self.v.size * regularizer_slope(self._rectified(), beta(done))
        sigmoid = 1 / (1 + np.exp(-self.v))
        inside = np.abs(self._rectified() - 0.5) < 0.5
        return [by_share * inside * (ZETA - GAMMA) * sigmoid * (1 - sigmoid)]

    def rounded(self) -> tuple[np.ndarray, np.ndarray]:
        return self._lower + (self._rectified() >= 0.5), self._scale

    def _rectified(self) -> np.ndarray:
        """h(V), equation 23."""
        return np.clip((ZETA - GAMMA) / (1 + np.exp(-self.v)) + GAMMA, 0, 1)


def beta(done: float) -> float:
    """The exponent, lowered along a cosine after the warm-up."""
    share = (done - WARM_UP) / (1 - WARM_UP)
    return float(BETA_LAST + (BETA_FIRST - BETA_LAST) * (1 + np.cos(np.pi * share)) / 2)


def regularizer(share: np.ndarray, exponent: float) -> float:
    """f_reg = sum of 1 - |2 h - 1|^beta: least where every h is 0 or 1 (equation 24)."""
    return float((1 - np.abs(2 * share - 1) ** exponent).sum())


def regularizer_slope(share: np.ndarray, exponent: float) -> np.ndarray:
    """The derivative of `regularizer` by each share."""
    offset = 2 * share - 1
    return -2 * exponent * np.sign(offset) * np.abs(offset) ** (exponent - 1)
