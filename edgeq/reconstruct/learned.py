"""Methods that learn weights and scales through rounding to nearest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.method import Method
from edgeq.reconstruct.training import SoftWeight, train


@dataclass(frozen=True)
class Learned(ABC):
    """Base of methods that differ in what they make a quantized weight of.

    Attributes:
        start: Gives first integers and scales.
        steps: At most so many.
        rate: Step of the variables, in the unit that the method says.
        scale_rate: Step of the scales, as a share of the scale.
        seed: Chooses the rows of each step.
    """

    start: Method
    steps: int = 1000
    rate: float = 2e-3
    scale_rate: float = 1e-3
    seed: int = 0

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        start = self.start.solve(layer, everything=everything)
        return train(layer, self.variables(layer, start), start, self.steps, self.seed)

    @abstractmethod
    def variables(self, layer: Layer, start: Solution) -> SoftWeight:
        """What is learned, beginning at a solution."""
