"""Rounds the weights of each layer by itself, so that the result can serve many quantizations of one network."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import onnx_ir as ir

from edgeq.passes.layer_data import read_layer
from edgeq.passes.layerwise import HELD_OUT, MAX_SAMPLES, LayerwisePass
from edgeq.passes.open_layer import OpenLayer, open_layers
from edgeq.passes.references import float_constants, pair_aliases, parameter_pairs, reference
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.replica import Replica


@dataclass(frozen=True)
class RoundAlone(LayerwisePass):
    """GPTQ with a search for the scales, on each layer's inputs in the float network.

    What the layers before make of their inputs does not count, other than in `RoundGptq`: so one solution serves
    whatever widths the other layers have. The mean error that they make is left to `CorrectBias`.

    Source: Frantar et al., "GPTQ", ICLR 2023, section 3.3.

    Attributes:
        solutions: Solutions by what they depend on: those that are there are taken over, new ones are added.
    """

    solutions: MutableMapping[bytes, Solution] = field(default_factory=dict, compare=False)

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        network: Replica | None = None
        layers, origin = open_layers(model.graph), _origin(model.graph)
        for done, opened in enumerate(layers, start=1):
            key = origin + self._key(opened)
            if key not in self.solutions:
                network = network or self._network(model)
                network.constants |= float_constants(model.graph)
                network.advance(opened.node)
                self.solutions[key] = self._within_floor(opened, self._read(opened, network))
            opened.store(self.solutions[key])
            if self.progress is not None:
                self.progress(done, len(layers))
        return ir.passes.PassResult(model, modified=True)

    def quantize(self, layer: Layer) -> Solution:
        return Gptq().solve(layer, everything=True)

    def _network(self, model: ir.Model) -> Replica:
        samples = self.samples.first(MAX_SAMPLES)
        (inputs,) = samples.batches(len(samples))
        return Replica(model, inputs, float_constants(model.graph), pair_aliases(model.graph))

    def _read(self, opened: OpenLayer, network: Replica) -> Layer:
        rng = np.random.default_rng(self.seed)
        count = min(len(self.samples), MAX_SAMPLES)
        held = rng.permutation(count) < round(HELD_OUT * count)
        return read_layer(opened, network, network, held, rng)

    def _key(self, opened: OpenLayer) -> bytes:
        """Of all that a solution depends on besides the float network."""
        present = opened.present()
        names = f"{opened.node.name} {opened.limits} {opened.shared} {self.seed} {len(self.samples)}"
        return _digest({names: present.scale, "floor": opened.floor(present.bias)})


def _origin(graph: ir.Graph) -> bytes:
    """Digest of the parameters of the float network, which have other scales in each of its quantizations."""
    pairs = {str(undo.outputs[0].name): reference(value) for value, _, undo in parameter_pairs(graph)}
    return _digest(pairs | {f"bias of {layer.node.name}": layer.reference_bias() for layer in open_layers(graph)})


def _digest(arrays: Mapping[str, np.ndarray]) -> bytes:
    digest = sha256()
    for name, array in sorted(arrays.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.digest()
