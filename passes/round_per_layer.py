"""Rounds the weights of each layer by the method that proves best for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import onnx_ir as ir

from edgeq.passes.layerwise import MAX_SAMPLES, LayerwisePass
from edgeq.passes.open_layer import open_layers
from edgeq.passes.open_noise import OpenNoise
from edgeq.passes.sensitivity import sensitivities
from edgeq.reconstruct.gauss_newton import GaussNewton
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Sensitivity, Solution
from edgeq.reconstruct.method import choose
from edgeq.reconstruct.nearest import Nearest

RIDGES = (None, 1.0, 0.1, 0.03)
"""Of `Gptq`."""

FEW_RIDGES = (None, 0.1)
"""Without `RoundPerLayer.thorough`."""


@dataclass(frozen=True)
class RoundPerLayer(LayerwisePass):
    """Fits each layer by several methods on 80 % of the samples, and again on all by the one that wins on the others.

    Methods with more freedom reproduce the calibration set better and may fail beyond it: solving weights anew helps
    convolutions and hurts wide fully connected layers. Nearest rounding and GPTQ compete; if thorough, then the best
    of them with what `GaussNewton` makes of it. Methods learned by gradients do not take part: from GPTQ's integers
    they gain less than 2 % of the loss.

    Which samples judge, and which positions of them are looked at, is by lot, and what comes of it differs: the same
    network has up to 2 dB more noise at its outputs by the seed. Of several tries, the one with the least is kept.

    Source: held-out choice after Pham et al., "MetaAug: Meta-Data Augmentation for Post-Training Quantization", ECCV
    2024, section 1 (calibration sets overfit).

    Attributes:
        thorough: Whether to try more, and to search at random for better integers.
        restarts: Of that search, in the method that wins.
        refine: Whether `GaussNewton` takes part, if thorough.
        downstream: Whether the last rounding by `Gptq` aims at the outputs of the network (`sensitivities`), where it
            can be differentiated.
        tries: With as many seeds, from `seed` on.
        known: `sensitivities`, where they were found before.
    """

    thorough: bool = True
    restarts: int = 20
    refine: bool = True
    downstream: bool = False
    tries: int = 1
    known: Mapping[str, Sensitivity] | None = None

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        if self.tries < 2:
            return super().call(model)
        (inputs,) = self.samples.first(MAX_SAMPLES).batches(MAX_SAMPLES)
        known, trials = self.sensitivities(model), [model.clone() for _ in range(self.tries)]
        for number, trial in enumerate(trials):
            replace(self, tries=1, seed=self.seed + number, known=known, progress=self._share(number)).call(trial)
        best = min(trials, key=OpenNoise(model, inputs))
        for opened, found in zip(open_layers(model.graph), open_layers(best.graph), strict=True):
            opened.store(found.present())
        return ir.passes.PassResult(model, modified=True)

    def _share(self, number: int) -> Callable[[int, int], None] | None:
        """Progress of one try as part of all."""
        told = self.progress
        return None if told is None else lambda done, total: told(number * total + done, self.tries * total)

    def sensitivities(self, model: ir.Model) -> Mapping[str, Sensitivity]:
        if self.known is not None:
            return self.known
        return sensitivities(model, self.samples.first(MAX_SAMPLES), self.seed) if self.downstream else {}

    def quantize(self, layer: Layer) -> Solution:
        best = choose(layer, [Nearest(), *(Gptq(ridge) for ridge in (RIDGES if self.thorough else FEW_RIDGES))])
        if self.thorough and self.refine:
            best = choose(layer, (best, GaussNewton(best, restarts=self.restarts // 2, seed=self.seed)))
        if self.thorough and isinstance(best, Gptq):
            best = replace(best, restarts=self.restarts, seed=self.seed)
        return best.solve(layer, everything=True)
