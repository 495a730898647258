"""Adjusts the range of each activation to what the network's answers lose by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx_ir as ir

from edgeq.calibrate.prediction import prediction_difference
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.suffix import Suffix
from edgeq.passes.annotations import RANGE_KEY
from edgeq.passes.quantization_points import activation_bits, quantized_values
from edgeq.quant.qparams import QuantParams, Range, Scheme
from edgeq.quant.scheme import output_params, range_params

SHARES = (1.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.2, 1.5)
"""Candidates: multiples of the present range, which wins where another is no better."""


@dataclass(frozen=True)
class RefineRanges(ir.passes.InPlacePass):
    """Scales each calibrated range so that quantizing that tensor alone changes the predictions least.

    For few bits; ranges of 16 bits, and those that an operator's mathematics fixes, stay. Leaves the function
    unchanged.

    Source: Liu et al., "PD-Quant: Post-Training Quantization based on Prediction Difference Metric", CVPR 2023,
    section 3.2 (activation scales judged by the difference of the final prediction).

    Attributes:
        samples: Inputs of the model.
        bits, scheme: As of `InsertQdq`.
        most: So many samples are used.
        progress: Told (tensors done, tensors in total).
    """

    samples: Samples
    bits: int = 8
    scheme: Scheme = "asymmetric"
    most: int = 32
    progress: Callable[[int, int], None] | None = None

    def requires(self, model: ir.Model) -> None:
        missing = [value.name for value in quantized_values(model.graph) if RANGE_KEY not in value.meta]
        if missing:
            raise ir.passes.PreconditionError(f"values without a calibrated range: {', '.join(map(str, missing))}")

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        (feeds,) = self.samples.first(self.most).batches(self.most)
        widths = activation_bits(model.graph, self.bits)
        producers = [value.producer() for value in model.graph.outputs]
        probabilities = all(node is not None and node.op_type == "Softmax" for node in producers)
        for done, (value, bits) in enumerate(widths.items()):
            if bits <= 8 and not _is_fixed(value, bits):
                trial = _Trial(Suffix(model, str(value.name), feeds), bits, self.scheme, probabilities)
                value.meta[RANGE_KEY] = trial.best(value.meta[RANGE_KEY])
            if self.progress is not None:
                self.progress(done + 1, len(widths))
        return ir.passes.PassResult(model, modified=True)


def _is_fixed(value: ir.Value, bits: int) -> bool:
    producer = value.producer()
    return producer is not None and output_params(producer.op_type, bits) is not None


class _Trial:
    """Ranges of one tensor against each other."""

    def __init__(self, suffix: Suffix, bits: int, scheme: Scheme, probabilities: bool) -> None:
        self.suffix, self.bits, self.scheme, self.probabilities = suffix, bits, scheme, probabilities
        self.reference = suffix.run(suffix.exact)

    def best(self, present: Range) -> Range:
        """The candidate that costs least."""
        candidates = [Range(present.lo * share, present.hi * share) for share in SHARES]
        return min(candidates, key=lambda c: self.loss(range_params(c, self.bits, self.scheme)))

    def loss(self, params: QuantParams) -> float:
        """What quantizing the tensor changes at the outputs."""
        exact = self.suffix.exact
        outputs = self.suffix.run(params.dequantize(params.quantize(exact)))
        return prediction_difference(self.reference, outputs, probabilities=self.probabilities)
