"""Rounds weights by second-order information about the output behind the activation."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.passes.layerwise import LayerwisePass
from edgeq.reconstruct.gauss_newton import GaussNewton
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution


@dataclass(frozen=True)
class RoundGaussNewton(LayerwisePass):
    """Gauss-Newton on each layer, from the integers of GPTQ, which layers without activation keep.

    Source: Nocedal and Wright, "Numerical Optimization", 2006, section 10.3; see
    `edgeq.reconstruct.gauss_newton.GaussNewton`.

    Attributes:
        ridge: How strongly weights are pulled towards the float ones when they are solved anew.
        rounds: So many quadratic forms per layer.
        restarts: Of the random search for better integers, in each.
    """

    ridge: float = 0.1
    rounds: int = 2
    restarts: int = 10

    def quantize(self, layer: Layer) -> Solution:
        method = GaussNewton(Gptq(self.ridge), self.ridge, self.rounds, self.restarts, self.seed)
        return method.solve(layer, everything=True)
