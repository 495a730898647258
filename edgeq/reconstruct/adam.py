"""Adam: gradient descent whose steps follow the signs of the gradients more than their sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FIRST, SECOND = 0.9, 0.999
"""Decay of the means of the gradients and of their squares."""

EPSILON = 1e-12
"""Small against any gradient of a mean square error that matters."""


class Adam:
    """Changes arrays in place, against their gradients.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1.

    Args:
        parameters: Floating-point arrays.
        rates: The size of a step: one per parameter, a number or an array that broadcasts to it.
    """

    def __init__(self, parameters: Sequence[np.ndarray], rates: Sequence[float | np.ndarray]) -> None:
        self._parameters, self._rates = parameters, rates
        self._first = [np.zeros_like(parameter) for parameter in parameters]
        self._second = [np.zeros_like(parameter) for parameter in parameters]
        self._steps = 0

    def step(self, gradients: Sequence[np.ndarray], share: float = 1.0) -> None:
        """One step, of this share of the rates.

        Args:
            gradients: Of the loss: one per parameter, of its shape.
        """
        self._steps += 1
        unbiased = share * np.sqrt(1 - SECOND**self._steps) / (1 - FIRST**self._steps)
        moments = zip(self._parameters, self._rates, self._first, self._second, gradients, strict=True)
        for parameter, rate, first, second, gradient in moments:
            first += (1 - FIRST) * (gradient - first)
            second += (1 - SECOND) * (np.square(gradient) - second)
            parameter -= rate * (unbiased * first / (np.sqrt(second) + EPSILON)).astype(parameter.dtype)
