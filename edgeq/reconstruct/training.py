"""Learned rounding: gradient descent on whatever a method makes a quantized weight of."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from edgeq.reconstruct.adam import Adam
from edgeq.reconstruct.layer import Layer, Solution

BATCH = 1024
"""Rows per step."""

INTERVAL = 25
"""Steps between two looks at the held-out rows."""

PATIENCE = 16
"""So many looks without gain end the descent."""

BIAS_RATE = 1e-3
"""Step of biases, as a share of the standard deviation of the target."""

CELL = 0.25
"""How far from the start's integers continuous weights may begin; rounding to nearest leaves them at 0.5."""


class SoftWeight(Protocol):
    """A quantized weight as a function of parameters that descent can change.

    Attributes:
        parameters: float32 arrays, changed in place.
        rates: Step sizes, one per parameter.
    """

    parameters: list[np.ndarray]
    rates: list[float | np.ndarray]

    def weight(self) -> np.ndarray:
        """As it enters the loss, float32, (groups, outputs, inputs)."""

    def gradients(self, by_weight: np.ndarray, done: float) -> list[np.ndarray]:
        """Of the loss, and of what the method adds to it, by each parameter.

        Args:
            by_weight: Gradient of the loss by the last `weight()`.
            done: Share of the descent that is over.
        """

    def rounded(self) -> tuple[np.ndarray, np.ndarray]:
        """Integers, (groups, outputs, inputs), and scales, (groups, outputs): a copy of what stands now."""


def train(layer: Layer, soft: SoftWeight, start: Solution, steps: int, seed: int) -> Solution:
    """Minimizes the mean square error behind the activation on the rows that are not held out; learns the bias, too.

    Held-out rows stop it early, and decide which iterate is returned: none that is worse than the start on them.

    Source: asymmetric reconstruction through the activation: Nagel et al., "Up or Down? Adaptive Rounding for
    Post-Training Quantization", ICML 2020, section 4, equation 25. Early stopping: Prechelt, "Early Stopping - But
    When?", 1998, section 2.

    Args:
        start: Where `soft` begins.
        steps: At most so many.
        seed: Chooses the rows of each step.
    """
    rng, fitted, bias = np.random.default_rng(seed), np.flatnonzero(~layer.held), start.bias.copy()
    learned = [bias] if layer.has_bias else []
    bias_rate = BIAS_RATE * float(layer.target.std())
    adam = Adam([*soft.parameters, *learned], [*soft.rates, *[bias_rate for _ in learned]])
    best, least, looks = start, layer.loss(start, layer.held), 0
    for step in range(steps):
        rows = fitted if len(fitted) <= BATCH else rng.choice(fitted, BATCH)
        by_weight, by_bias = slopes(layer, rows, soft.weight(), bias)
        adam.step([*soft.gradients(by_weight, step / steps), *[by_bias for _ in learned]], 1 - step / steps)
        if (step + 1) % INTERVAL == 0:
            reached = Solution(*soft.rounded(), bias.copy())
            loss = layer.loss(reached, layer.held)
            best, least, looks = (reached, loss, 0) if loss < least else (best, least, looks + 1)
        if looks == PATIENCE:
            break
    return best


def slopes(layer: Layer, rows: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of `Layer.loss` by weight, (groups, outputs, inputs), and bias, (groups, outputs), over some rows."""
    x = layer.x[:, rows]
    y = x @ weight.transpose(0, 2, 1) + bias[:, None]
    error = layer.activated(y, rows) - layer.activated(layer.target[:, rows], rows)
    error *= 2 * layer.passes(y, rows) / np.float32(error.size)
    return error.transpose(0, 2, 1) @ x, error.sum(axis=1)


def within_cells(weight: np.ndarray, start: Solution) -> np.ndarray:
    """A weight in steps of a solution's scale, moved to where rounding to nearest gives the solution's integers."""
    steps = weight / start.scale[..., None]
    return start.integers + np.clip(steps - start.integers, -CELL, CELL)
