"""Makes weights of 4 or 2 bits with a factor for each block of input channels."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from edgeq.passes.annotations import BLOCK_KEY
from edgeq.passes.layerwise import LayerwisePass
from edgeq.passes.open_layer import OpenLayer, open_layers
from edgeq.quant.blocks import CODE_BITS
from edgeq.reconstruct.blocks import BlockGptq
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.method import Method, choose
from edgeq.reconstruct.nearest import Nearest

RIDGES = (None, 0.1)


@dataclass(frozen=True)
class RoundBlocks(LayerwisePass):
    """Rounds int8 weights to narrow codes, times an integer for each block of input channels, layer by layer.

    To the arithmetic they stay int8 weights, on every target; kernels that know blocks store codes and factors.
    Declines layers with groups, with input channels that do not make whole blocks, and with weights that are not of 8
    bits: these are rounded as `RoundPerLayer` does, at their own width. `FreezeWeights` then writes blockwise scales
    (opset 21).

    Sources: see `edgeq.reconstruct.blocks.BlockGptq`; whether weights are solved anew is chosen on held-out samples.

    Attributes:
        size: Input channels of a block.
        bits: Of a code: 4 or 2.
    """

    size: int = 32
    bits: int = 4

    def __post_init__(self) -> None:
        if self.bits not in CODE_BITS or self.size < 2:
            raise ValueError(f"blocks of {self.size} channels with {self.bits} bits: sizes are 2 or more, bits 2 or 4")

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        result = super().call(model)
        for opened in open_layers(model.graph):
            if self._fit(opened):
                opened.node.meta[BLOCK_KEY] = self.size
        return result

    def quantize(self, layer: Layer) -> Solution:
        blocked = self._fit(layer)
        methods: list[Method] = [BlockGptq(self.size, self.bits, r) if blocked else Gptq(r) for r in RIDGES]
        return choose(layer, methods if blocked else [Nearest(), *methods]).solve(layer, everything=True)

    def _fit(self, layer: Layer | OpenLayer) -> bool:
        return layer.groups == 1 and layer.limits[1] == 127 and layer.channels % self.size == 0
