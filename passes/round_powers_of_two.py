"""Makes every integer weight 0 or a power of two, which needs no multiplier in an FPGA."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.passes.layerwise import LayerwisePass
from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.method import choose
from edgeq.reconstruct.powers_of_two import PowersOfTwo

RIDGES = (None, 0.1)


@dataclass(frozen=True)
class RoundPowersOfTwo(LayerwisePass):
    """Rounds weights to 0 and +-2^k, layer by layer, with scales and roundings that reproduce its float outputs.

    The integers stay those of the width: at 8 bits 0, +-1, +-2, ... +-64, which are as many as 4 bits tell apart; at 4
    bits up to 4; at 2 bits -1, 0 and 1. Every target computes them; fpga-hls stores signs and exponents and shifts.

    Sources: see `edgeq.reconstruct.powers_of_two.PowersOfTwo`; whether weights are solved anew is chosen on held-out
    samples, as in `RoundPerLayer`.
    """

    def quantize(self, layer: Layer) -> Solution:
        return choose(layer, [PowersOfTwo(ridge) for ridge in RIDGES]).solve(layer, everything=True)
