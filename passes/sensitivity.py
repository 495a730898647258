"""How a network's outputs change with the weights of its layers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.errors import UnsupportedError
from edgeq.passes.blocks import Region, find_blocks
from edgeq.passes.differentiable import bias_name, operations, weight_name
from edgeq.passes.layer_rows import window_of
from edgeq.passes.open_layer import OpenLayer, open_layers
from edgeq.reconstruct.block import Block
from edgeq.reconstruct.layer import Sensitivity
from edgeq.reconstruct.vjp import unfold

BATCH = 32
"""Samples that go through the network at once."""

DRAWS = 2
"""Random directions of the outputs per sample."""

MAX_NUMBERS = 1 << 22
"""Numbers in the gradients of a layer at one time: 16 MiB."""


def sensitivities(model: ir.Model, samples: Samples, seed: int) -> dict[str, Sensitivity]:
    """The `Sensitivity` of each layer by node name, of the float network; none where it cannot be differentiated.

    M is the gradient by a layer's weights, on one sample, of the network's outputs (in front of a Softmax) along a
    random direction. A change D of the weights changes these outputs by <M, D>; the mean square of that is taken for
    tr(G D A D^T), with G = E[M M^T] and A = E[M^T M]. Inputs are centred where a bias takes up their mean.

    Sources: Tseng et al., "Model-Preserving Adaptive Rounding", 2025, section 3 (factors from gradients by sample, all
    its positions together); Martens and Grosse, "Optimizing Neural Networks with Kronecker-factored Approximate
    Curvature", ICML 2015, section 3.

    Args:
        model: QDQ ONNX with float weights.
        seed: Of the directions.
    """
    try:
        networks = [_Network(region, open_layers(model.graph)) for region in find_blocks(model.graph, 0)]
    except UnsupportedError:
        return {}
    rng, found = np.random.default_rng(seed), dict[str, Sensitivity]()
    for network in networks:
        for batch in samples.batches(BATCH):
            for _ in range(DRAWS):
                for name, seen in network.measure(batch, rng).items():
                    found[name] = found[name] + seen if name in found else seen
    return found


class _Network:
    """The float network up to its last layer.

    Raises:
        UnsupportedError: An operator is not differentiated.
    """

    def __init__(self, region: Region, layers: list[OpenLayer]) -> None:
        self._block = Block(operations(region.nodes, quantized=False))
        self._layers = {str(layer.node.outputs[0].name): layer for layer in layers if layer.node in region.nodes}
        self._parameters = {weight_name(layer.node): layer.reference_weight() for layer in self._layers.values()}
        self._parameters |= {bias_name(layer.node): layer.reference_bias() for layer in self._layers.values()}

    def measure(self, batch: Mapping[str, np.ndarray], rng: np.random.Generator) -> dict[str, Sensitivity]:
        """Sums over some samples, each along a direction of its own, by node name."""
        values: dict[str, np.ndarray] = {}

        def slopes(known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            values.update(known)
            return {self._block.output: rng.standard_normal(known[self._block.output].shape, np.float32)}

        inputs = {name: np.ascontiguousarray(np.moveaxis(x, 0, -1)) for name, x in batch.items()}
        slope = self._block.gradients(inputs | self._parameters, slopes, keep=self._layers.keys())
        return {
            str(layer.node.name): _sums(_input_rows(layer, values), _output_rows(layer, slope[name]))
            for name, layer in self._layers.items()
        }


def _sums(x: np.ndarray, slope: np.ndarray) -> Sensitivity:
    """Of M M^T and M^T M over samples.

    Args:
        x: (groups, inputs, positions, samples).
        slope: (groups, outputs, positions, samples).
    """
    groups, samples = len(x), x.shape[-1]
    outputs, inputs = (np.zeros((groups, n, n)) for n in (slope.shape[1], x.shape[1]))
    size = max(1, MAX_NUMBERS // (groups * len(outputs[0]) * len(inputs[0])))
    for first in range(0, samples, size):
        some = slice(first, first + size)
        by_weight = np.matmul(slope[..., some].transpose(0, 3, 1, 2), x[..., some].transpose(0, 3, 2, 1))
        rows, columns = by_weight.reshape(groups, -1, x.shape[1]), by_weight.transpose(0, 2, 1, 3)
        columns = columns.reshape(groups, slope.shape[1], -1)
        outputs += columns @ columns.transpose(0, 2, 1)
        inputs += rows.transpose(0, 2, 1) @ rows
    return Sensitivity(outputs, inputs)


def _input_rows(layer: OpenLayer, values: Mapping[str, np.ndarray]) -> np.ndarray:
    x = values[str(layer.node.inputs[0].name)]  # type: ignore[union-attr]
    seen = unfold(x, window_of(layer.node)) if layer.node.op_type == "Conv" else np.moveaxis(x, -2, 0)
    rows = seen.reshape(layer.groups, layer.channels * layer.taps, -1, x.shape[-1])
    return rows - rows.mean(axis=(2, 3), keepdims=True) if layer.takes_bias else rows


def _output_rows(layer: OpenLayer, y: np.ndarray) -> np.ndarray:
    rows = y[0] if layer.node.op_type == "Conv" else np.moveaxis(y, -2, 0)
    return rows.reshape(layer.groups, len(rows) // layer.groups, -1, y.shape[-1])
