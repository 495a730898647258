"""Refines several layers together, so that one makes up for the errors of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.errors import UnsupportedError
from edgeq.passes.blocks import Region, find_blocks
from edgeq.passes.decline import Decline, silently
from edgeq.passes.differentiable import bias_name, operations, scale_name, weight_name
from edgeq.passes.layerwise import HELD_OUT, MAX_SAMPLES
from edgeq.passes.open_layer import OpenLayer, open_layers, require_open_layers
from edgeq.passes.qdq import read_grid
from edgeq.passes.references import float_constants, pair_aliases, quantized_constants, set_scale
from edgeq.reconstruct.block import Arrays, Block
from edgeq.reconstruct.refine import Examples, Refinement
from edgeq.reconstruct.replica import Replica
from edgeq.reconstruct.variables import Knob, Variables

BATCH = 32
"""Samples that go through a block at once."""


@dataclass(frozen=True)
class ReconstructBlocks(ir.passes.InPlacePass):
    """Block reconstruction: gradient descent on the integers, scales and biases of all layers of a block at once.

    A block is to make of what the quantized blocks before it give what the float network makes at its end. Blocks are
    cut where a single tensor goes on (`find_blocks`). They start from what a rounding pass left and end with what did
    best on held-out samples: never worse there than the start. The scales of activations are learned, too. Weights must
    still be float: between `InsertQdq` and `FreezeWeights`. Not idempotent: a second run may improve on the first.
    Declines blocks with operators that it cannot differentiate.

    Sources: Li et al., "BRECQ: Pushing the Limit of Post-Training Quantization by Block Reconstruction", ICLR 2021,
    sections 3.2 and 3.3; Esser et al., "Learned Step Size Quantization", ICLR 2020, section 2.

    Attributes:
        samples: Inputs of the model; at most 256 are used.
        layers: A block ends at the first cut behind so many layers; 0: the network is one block.
        epochs: Walks through the samples, per block.
        batch: Samples per step.
        rate: Of scales (relative) and biases (in standard deviations of the layer's output), per step.
        integer_rate: Of weights in units of their scale, per step; 0 keeps the integers: above 2 bits a few hundred
            samples say too little to move what a rounding pass has fitted to thousands of rows.
        seed: Chooses the held-out samples and the order of the others.
        progress: Told (blocks done, blocks in total).
        decline: Told what is not refined, and why.
    """

    samples: Samples
    layers: int = 0
    epochs: int = 10
    batch: int = BATCH
    rate: float = 1e-3
    integer_rate: float = 0.0
    seed: int = 0
    progress: Callable[[int, int], None] | None = None
    decline: Decline = silently

    def requires(self, model: ir.Model) -> None:
        require_open_layers(model)

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        blocks, walk = find_blocks(model.graph, self.layers), _Walk(model, self.samples.first(MAX_SAMPLES))
        rng = np.random.default_rng(self.seed)
        held = rng.permutation(walk.count) < round(HELD_OUT * walk.count)
        improved = []
        for done, region in enumerate(blocks, start=1):
            improved.append(self._refine(region, walk, held, rng))
            if self.progress is not None:
                self.progress(done, len(blocks))
        return ir.passes.PassResult(model, modified=any(improved))

    def _refine(self, region: Region, walk: _Walk, held: np.ndarray, rng: np.random.Generator) -> bool:
        layers = [layer for layer in walk.layers if layer.node in region.nodes]
        try:
            exact, block = (Block(operations(region.nodes, quantized=flag)) for flag in (False, True))
        except UnsupportedError as error:
            self.decline(f"the block before {region.nodes[-1].outputs[0].name} is not refined: {error}")
            return False
        inputs, real = walk.inputs(region)
        outputs = _float_outputs(exact, layers, real)
        knobs = [_knob(layer, float(outputs[str(layer.node.outputs[0].name)].std())) for layer in layers]
        quantizers = {scale_name(node): node for node in region.nodes if node.op_type == "QuantizeLinear"}
        variables = Variables(knobs, {name: read_grid(node).scale for name, node in quantizers.items()})
        examples = Examples(inputs, outputs[exact.output])
        refine = Refinement(self.epochs, self.batch, self.rate, self.integer_rate)
        improved = refine(block, variables, examples, held, rng)
        if improved:
            walk.store(layers, variables, quantizers)
        return improved


class _Walk:
    """The network in float and quantized, before one of its blocks."""

    def __init__(self, model: ir.Model, samples: Samples) -> None:
        (inputs,) = samples.batches(len(samples))
        self._inputs = inputs
        self.count = len(samples)
        self.layers = open_layers(model.graph)
        self._real = Replica(model, inputs, float_constants(model.graph), pair_aliases(model.graph))
        self._quantized = Replica(model, inputs, quantized_constants(model.graph), {})

    def inputs(self, region: Region) -> tuple[Arrays, Arrays]:
        """What goes into a block, (*shape, samples) by name: quantized and in float."""
        if region.inputs[0].is_graph_input():
            both = (self._inputs, self._inputs)
        else:
            both = (self._read(self._quantized, region), self._read(self._real, region))
        first, second = ({k: np.ascontiguousarray(np.moveaxis(x, 0, -1)) for k, x in each.items()} for each in both)
        return first, second

    def _read(self, replica: Replica, region: Region) -> dict[str, np.ndarray]:
        replica.advance(region.nodes[0])
        return {str(value.name): replica.read(value) for value in region.inputs}

    def store(self, layers: list[OpenLayer], variables: Variables, quantizers: Mapping[str, ir.Node]) -> None:
        """Makes the variables the constants of the model."""
        for name, scale in variables.scales().items():
            set_scale(quantizers[name], scale)
        for layer, solution in zip(layers, variables.solutions(), strict=True):
            layer.store(solution)
            self._quantized.constants |= layer.constants()


def _float_outputs(exact: Block, layers: list[OpenLayer], inputs: Arrays) -> dict[str, np.ndarray]:
    """What the float network makes of all samples at the end of a block, and at the layers in it of a few."""
    parameters = {weight_name(layer.node): layer.reference_weight() for layer in layers}
    parameters |= {bias_name(layer.node): layer.reference_bias() for layer in layers}
    count = next(iter(inputs.values())).shape[-1]
    batches = [{name: x[..., i : i + BATCH] for name, x in inputs.items()} for i in range(0, count, BATCH)]
    whole = np.concatenate([exact.run(batch | parameters) for batch in batches], axis=-1)
    return exact.values(batches[0] | parameters) | {exact.output: whole}


def _knob(layer: OpenLayer, unit: float) -> Knob:
    start, floor = layer.present(), layer.floor(layer.present().bias)
    names, source = (weight_name(layer.node), bias_name(layer.node)), scale_name(layer.input_quantizer)
    return Knob(
        *names, start, layer.limits, floor, layer.shared, layer.takes_bias, unit, source, float(layer.input_scale)
    )
