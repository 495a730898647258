"""Corrects biases for the mean error that quantization makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.passes.open_layer import OpenLayer, open_layers, require_open_layers
from edgeq.passes.references import float_constants, pair_aliases, quantized_constants
from edgeq.reconstruct.replica import Replica

ENOUGH = 32
"""Samples at 8 bits: with 128, outputs of unseen samples have as much noise (dscnn, 30.6 and 30.5 dB)."""

ENOUGH_NARROW = 64
"""Samples at fewer bits: with 32, outputs of unseen samples have 0.05 to 0.7 dB more noise (W4A4, four networks),
with 128 as much on average."""


@dataclass(frozen=True)
class CorrectBias(ir.passes.InPlacePass):
    """Empirical bias correction: each output channel gets the mean that it has in the float network.

    Layer by layer, on inputs that come through the quantized layers before, whose biases are corrected already; each
    layer runs once in float and once quantized. Weights are left as they are. A MatMul, which has no bias, is declined.
    Idempotent.

    Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
    section 4.2 and appendix D.

    Attributes:
        samples: Inputs of the model.
        most: So many samples are used.
        progress: Told (layers done, layers in total).
    """

    samples: Samples
    most: int = ENOUGH
    progress: Callable[[int, int], None] | None = None

    def requires(self, model: ir.Model) -> None:
        require_open_layers(model)

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        (inputs,) = self.samples.first(self.most).batches(self.most)
        real = Replica(model, inputs, float_constants(model.graph), pair_aliases(model.graph))
        quantized = Replica(model, inputs, quantized_constants(model.graph), {})
        layers = open_layers(model.graph)
        for done, layer in enumerate(layers, start=1):
            if layer.takes_bias:
                _correct(layer, real, quantized)
            if self.progress is not None:
                self.progress(done, len(layers))
        return ir.passes.PassResult(model, modified=True)


def _correct(layer: OpenLayer, real: Replica, quantized: Replica) -> None:
    """Gives the layer its bias, and to the layers behind it the output that it has with that bias."""
    result = layer.node.outputs[0]
    for replica in (real, quantized):
        replica.run_through(layer.node)
    reached = quantized.read(result)
    gap = _channel_means(real.read(result)) - _channel_means(reached)
    quantized.write(result, reached + gap.reshape(-1, *[1] * (reached.ndim - 3)))
    bias = layer.present().bias
    layer.store_bias(bias + gap.reshape(bias.shape))


def _channel_means(values: np.ndarray) -> np.ndarray:
    """float32 (channels,) from (samples, 1, channels, ...)."""
    axes = tuple(axis for axis in range(values.ndim) if axis != 2)
    return values.mean(axis=axes, dtype=np.float64).astype(np.float32)
