"""Rounds weights up or down as learned from the layer's output."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.passes.layerwise import LayerwisePass
from edgeq.reconstruct.adaround import AdaRound
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution


@dataclass(frozen=True)
class RoundAdaround(LayerwisePass):
    """AdaRound on each layer, from the integers of GPTQ; layers that it does not help on held-out samples keep those.

    Source: Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020, section 3; see
    `edgeq.reconstruct.adaround.AdaRound`.

    Attributes:
        ridge: Of the start (`RoundGptq`).
        steps: At most so many per layer.
        rate: Step of the variables V.
        strength: Weight of the regularizer.
    """

    ridge: float = 0.1
    steps: int = 1000
    rate: float = 0.03
    strength: float = 0.3

    def quantize(self, layer: Layer) -> Solution:
        method = AdaRound(Gptq(self.ridge or None), self.steps, self.rate, self.strength, self.seed)
        return method.solve(layer, everything=True)
