"""Rounds weights by second-order information about the layer's inputs."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.passes.layerwise import LayerwisePass
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution


@dataclass(frozen=True)
class RoundGptq(LayerwisePass):
    """GPTQ with a search for the scales, on each layer; biases take up the mean error.

    Source: Frantar et al., "GPTQ", ICLR 2023, section 3.3; see `edgeq.reconstruct.gptq.Gptq` for the rest.

    Attributes:
        ridge: Above 0, weights are first solved anew so that the quantized inputs give the float output, pulled
            towards the float weights with this strength.
        damping: Share of the mean diagonal that is added to the covariance.
        restarts: Of the random search for better integers.
    """

    ridge: float = 0.0
    damping: float = 0.01
    restarts: int = 0

    def quantize(self, layer: Layer) -> Solution:
        method = Gptq(self.ridge or None, self.damping, self.restarts, self.seed)
        return method.solve(layer, everything=True)
