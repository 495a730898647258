"""Attaches to every value that will be quantized the range that calibration samples give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx_ir as ir

from edgeq.calibrate.observe import observe
from edgeq.calibrate.ranges import Method, Width, choose_range
from edgeq.calibrate.samples import Samples
from edgeq.passes.annotations import OBSERVED_KEY, RANGE_KEY
from edgeq.passes.quantization_points import activation_bits, quantized_values
from edgeq.quant.qparams import Scheme


@dataclass(frozen=True)
class Calibrate(ir.passes.InPlacePass):
    """Leaves a `Range` in `value.meta[RANGE_KEY]` of graph inputs and of fused groups' outputs; weights stay.

    One streaming pass over the samples serves every method; sources are in `edgeq.calibrate.ranges.choose_range`.
    Leaves the function unchanged. Idempotent.

    Raises:
        CalibrationError: The model computes NaN or infinity on a sample.
        UnsupportedError: The graph holds an operator that cannot be quantized.

    Attributes:
        samples: Inputs of the model.
        method: How ranges are chosen.
        bits, scheme: What they are chosen for: as `InsertQdq.activation_bits` and `InsertQdq.scheme`.
        progress: Told (samples done, samples in total).
    """

    samples: Samples
    method: Method = "minmax"
    bits: int = 8
    scheme: Scheme = "asymmetric"
    progress: Callable[[int, int], None] | None = None

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        values = {str(value.name): value for value in quantized_values(model.graph)}
        widths = activation_bits(model.graph, self.bits)
        for name, seen in observe(model, self.samples, values, progress=self.progress).items():
            value = values[name]
            value.meta[OBSERVED_KEY] = seen.range
            value.meta[RANGE_KEY] = choose_range(seen, self.method, Width(widths[value], self.scheme))
        return ir.passes.PassResult(model, modified=True)
