"""Learns weights, scales and biases through rounding."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.passes.layerwise import LayerwisePass
from edgeq.reconstruct.adaquant import AdaQuant
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution


@dataclass(frozen=True)
class RoundAdaquant(LayerwisePass):
    """AdaQuant on each layer, from the integers of GPTQ; layers that it does not help on held-out samples keep those.

    Source: Hubara et al., "Improving Post Training Neural Quantization: Layer-wise Calibration and Integer
    Programming", 2020, section 3.1; see `edgeq.reconstruct.adaquant.AdaQuant`.

    Attributes:
        ridge: Of the start (`RoundGptq`).
        steps: At most so many per layer.
        rate, scale_rate: Steps of the weights and of the scales, as shares of the scale.
    """

    ridge: float = 0.1
    steps: int = 1000
    rate: float = 2e-3
    scale_rate: float = 1e-3

    def quantize(self, layer: Layer) -> Solution:
        method = AdaQuant(Gptq(self.ridge or None), self.steps, self.rate, self.scale_rate, self.seed)
        return method.solve(layer, everything=True)
