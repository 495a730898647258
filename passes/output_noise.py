"""Measures what plain quantization would do to a float model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from edgeq.calibrate.float_runner import run
from edgeq.calibrate.samples import Samples
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.quant.scheme import FRACTIONS

MAX_SAMPLES = 32


@dataclass(frozen=True)
class OutputNoise:
    """Callable: the noise-to-signal ratio of a float model's outputs when it is quantized with min-max ranges.

    Taken in front of a final Softmax or sigmoid, which would hide it, and after subtraction of the mean error of each
    element, which bias correction removes. The reference is the float model itself, or another one.

    Attributes:
        samples: Of which the first `MAX_SAMPLES` are used.
        weight_bits, activation_bits, per_channel: See `InsertQdq`.
    """

    samples: Samples
    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool = True

    def __call__(self, model: ir.Model, reference: ir.Model | None = None) -> float:
        samples = self.samples.first(MAX_SAMPLES)
        (batch,) = samples.batches(MAX_SAMPLES)
        quantized, expected = without_fractions(model), without_fractions(reference or model)
        for pass_ in (
            Calibrate(samples, bits=self.activation_bits),
            InsertQdq(self.weight_bits, self.activation_bits, self.per_channel),
            FreezeWeights(),
        ):
            pass_(quantized)
        return _noise_to_signal(run(expected, batch), run(quantized, batch))


def without_fractions(model: ir.Model) -> ir.Model:
    """A copy, of a float or QDQ model, that ends in front of Softmax and sigmoids."""
    copy = model.clone()
    outputs = copy.graph.outputs
    for index, value in enumerate(outputs):
        producer = value.producer()
        while producer is not None and producer.op_type in ("QuantizeLinear", "DequantizeLinear"):
            producer = None if producer.inputs[0] is None else producer.inputs[0].producer()
        if producer is not None and producer.op_type in FRACTIONS and producer.inputs[0] is not None:
            outputs[index] = producer.inputs[0]
    common.RemoveUnusedNodesPass()(copy)
    return copy


def _noise_to_signal(reference: Mapping[str, np.ndarray], quantized: Mapping[str, np.ndarray]) -> float:
    noise = signal = 0.0
    for expected, got in zip(reference.values(), quantized.values(), strict=True):
        signal += float(np.square(expected.astype(np.float64)).sum())
        noise += float(np.square(got - expected - (got - expected).mean(axis=0)).sum())
    return noise / signal if signal else 0.0
