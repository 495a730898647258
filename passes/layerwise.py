"""Walks the layers of a QDQ model whose weights are still float, each with its inputs and its float outputs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
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
        walk, layers = _Walk(model, self.samples.first(MAX_SAMPLES), self.seed), open_layers(model.graph)
        sensitivities = self.sensitivities(model)
        for done, opened in enumerate(layers, start=1):
            sensitivity = sensitivities.get(str(opened.node.name))
            opened.store(self._within_floor(opened, walk.read(opened, sensitivity)))  # no name holds rows any longer
            walk.go_through(opened)
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


class _Walk:
    """The network in float and quantized, before one of its layers."""

    def __init__(self, model: ir.Model, samples: Samples, seed: int) -> None:
        self._rng, self._graph = np.random.default_rng(seed), model.graph
        (inputs,) = samples.batches(len(samples))
        self._held = self._rng.permutation(len(samples)) < round(HELD_OUT * len(samples))
        self._real = Replica(model, inputs, float_constants(model.graph), pair_aliases(model.graph))
        self._quantized = Replica(model, inputs, quantized_constants(model.graph), {})

    def read(self, opened: OpenLayer, sensitivity: Sensitivity | None) -> Layer:
        """Goes to a layer."""
        self._real.advance(opened.node)
        self._quantized.advance(opened.node)
        layer = read_layer(opened, self._real, self._quantized, self._held, self._rng)
        return replace(layer, sensitivity=sensitivity)

    def go_through(self, opened: OpenLayer) -> None:
        """Lets the layers behind see what is stored in one."""
        self._real.constants |= float_constants(self._graph)
        self._quantized.constants |= opened.constants()
