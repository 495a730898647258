"""Walks the layers of a QDQ model whose weights are still float, each with its inputs and its float outputs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.passes.layer_data import read_layer
from edgeq.passes.open_layer import OpenLayer, open_layers, require_open_layers
from edgeq.passes.references import float_constants, pair_aliases, quantized_constants
from edgeq.reconstruct.layer import Layer, Sensitivity, Solution
from edgeq.reconstruct.replica import Replica

MAX_SAMPLES = 256
"""More samples add little to 16,384 rows per layer, and each costs memory."""

HELD_OUT = 0.2
"""Share of the samples that judge what the others were fitted to."""


@dataclass(frozen=True)
class LayerwisePass(ir.passes.InPlacePass):
    """Base of the passes that quantize one layer after the other, each on what the quantized layers before it give.

    Each node runs once on each sample, in float and quantized. Weights must still be float: between `InsertQdq` and
    `FreezeWeights`. Results are on the grid, so that `FreezeWeights` rounds nothing any more. A layer whose output is
    added to that of an earlier one is asked to make up for the error of that one too.

    Attributes:
        samples: Inputs of the model; at most 256 are used.
        seed: Chooses the held-out samples and the positions looked at.
        progress: Told (layers done, layers in total).
    """

    samples: Samples
    seed: int = 0
    progress: Callable[[int, int], None] | None = None

    def requires(self, model: ir.Model) -> None:
        require_open_layers(model)

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        layers = open_layers(model.graph)
        for done, (opened, layer) in enumerate(self._walk(model, layers), start=1):
            opened.store(self._within_floor(opened, layer))
            if self.progress is not None:
                self.progress(done, len(layers))
        return ir.passes.PassResult(model, modified=True)

    @abstractmethod
    def quantize(self, layer: Layer) -> Solution:
        """The method of the pass."""

    def sensitivities(self, model: ir.Model) -> Mapping[str, Sensitivity]:
        """Of layers by node name: none, unless the pass minds them."""
        return {}

    def _within_floor(self, opened: OpenLayer, layer: Layer) -> Solution:
        """A solution whose scales are not too small for its biases."""
        solution = self.quantize(layer)
        floor = opened.floor(solution.bias)
        return solution if (solution.scale >= floor).all() else self.quantize(replace(layer, floor=floor))

    def _walk(self, model: ir.Model, layers: list[OpenLayer]) -> Iterator[tuple[OpenLayer, Layer]]:
        """Each layer in order; what is stored in it is what the layers after it see."""
        rng, sensitivities = np.random.default_rng(self.seed), self.sensitivities(model)
        samples = self.samples.first(MAX_SAMPLES)
        (inputs,) = samples.batches(len(samples))
        held = rng.permutation(len(samples)) < round(HELD_OUT * len(samples))
        real = Replica(model, inputs, float_constants(model.graph), pair_aliases(model.graph))
        quantized = Replica(model, inputs, quantized_constants(model.graph), {})
        for opened in layers:
            real.advance(opened.node)
            quantized.advance(opened.node)
            layer = read_layer(opened, real, quantized, held, rng)
            yield opened, replace(layer, sensitivity=sensitivities.get(layer.name))
            real.constants |= float_constants(model.graph)
            quantized.constants |= opened.constants()
