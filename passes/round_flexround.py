"""Rounds weights divided by learned numbers."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.passes.layerwise import LayerwisePass
from edgeq.reconstruct.flexround import FlexRound
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution


@dataclass(frozen=True)
class RoundFlexround(LayerwisePass):
    """FlexRound on each layer, from the integers of GPTQ; layers that it does not help on held-out samples keep those.

    Source: Lee et al., "FlexRound: Learnable Rounding based on Element-wise Division for Post-Training Quantization",
    ICML 2023, section 3; see `edgeq.reconstruct.flexround.FlexRound`.

    Attributes:
        ridge: Of the start (`RoundGptq`).
        steps: At most so many per layer.
        rate: Step of the divisors' logarithms.
        scale_rate: Step of the scales, as a share of the scale.
    """

    ridge: float = 0.1
    steps: int = 1000
    rate: float = 2e-3
    scale_rate: float = 1e-3

    def quantize(self, layer: Layer) -> Solution:
        method = FlexRound(Gptq(self.ridge or None), self.steps, self.rate, self.scale_rate, self.seed)
        return method.solve(layer, everything=True)
