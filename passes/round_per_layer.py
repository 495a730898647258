"""Rounds the weights of each layer by the method that proves best for it."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.passes.layerwise import LayerwisePass
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.method import Method, choose
from edgeq.reconstruct.nearest import Nearest

RIDGES = (None, 1.0, 0.1, 0.03)
"""Of `Gptq`."""


@dataclass(frozen=True)
class RoundPerLayer(LayerwisePass):
    """Fits each layer by several methods on 80 % of the samples, and again on all by the one that wins on the others.

    Methods with more freedom reproduce the calibration set better and may fail beyond it: solving weights anew helps
    convolutions and hurts wide fully connected layers.

    Source: held-out choice after Pham et al., "MetaAug: Meta-Data Augmentation for Post-Training Quantization", ECCV
    2024, section 1 (calibration sets overfit).

    Attributes:
        restarts: Of the random search for better integers (`Gptq.restarts`).
    """

    restarts: int = 20

    def quantize(self, layer: Layer) -> Solution:
        methods: list[Method] = [Nearest(), *(Gptq(ridge, restarts=self.restarts, seed=self.seed) for ridge in RIDGES)]
        return choose(layer, methods).solve(layer, everything=True)
