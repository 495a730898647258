"""Observers: what is remembered of a tensor while its values stream by."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from edgeq.quant.qparams import Range


class Observer(Protocol):
    """Sees a tensor's values piece by piece, in memory that does not grow with them."""

    def update(self, values: np.ndarray) -> None:
        """Takes in finite values of any shape."""

    def range(self) -> Range:
        """The range to quantize, from all values so far (at least one)."""


class MinMaxObserver:
    """The smallest and the largest value seen (Krishnamoorthi, arXiv:1806.08342, 2018, section 3.1)."""

    def __init__(self) -> None:
        self._lo, self._hi = math.inf, -math.inf

    def update(self, values: np.ndarray) -> None:
        self._lo = min(self._lo, float(values.min()))
        self._hi = max(self._hi, float(values.max()))

    def range(self) -> Range:
        return Range(self._lo, self._hi)
