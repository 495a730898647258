"""Corrects biases for the mean error that quantization makes."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.passes.layerwise import LayerwisePass
from edgeq.reconstruct.layer import Layer, Solution


@dataclass(frozen=True)
class CorrectBias(LayerwisePass):
    """Empirical bias correction: each output channel gets the mean that it has in the float network.

    Layer by layer, on inputs that come through the quantized layers before, whose biases are corrected already.
    Weights keep their scales and are rounded to nearest on them. A MatMul, which has no bias, is left as it is.
    Idempotent.

    Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
    section 4.2 and appendix D.
    """

    def quantize(self, layer: Layer) -> Solution:
        return layer.solution(layer.present.integers, layer.present.scale, layer.everything)
