"""Attaches to every value that will be quantized the range that it has on calibration samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx_ir as ir

from edgeq.calibrate.observe import observe
from edgeq.calibrate.samples import Samples
from edgeq.passes.quantization_points import quantized_values

RANGE_KEY = "edgeq.range"
"""Key of a value's `Range` in `ir.Value.meta`."""


@dataclass(frozen=True)
class CalibrateMinmax(ir.passes.InPlacePass):
    """Min-max calibration: leaves a `Range` in `value.meta[RANGE_KEY]` of graph inputs and of fused groups' outputs.

    Source: Krishnamoorthi, arXiv:1806.08342, 2018, section 3.1; Nagel et al., arXiv:2106.08295, 2021, section 3.1.

    Raises:
        CalibrationError: The model computes NaN or infinity on a sample.
        UnsupportedError: The graph holds an operator that cannot be quantized.

    Attributes:
        samples: Inputs of the model.
        progress: Told (samples done, samples in total).
    """

    samples: Samples
    progress: Callable[[int, int], None] | None = None

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        values = {str(value.name): value for value in quantized_values(model.graph)}
        for name, found in observe(model, self.samples, values, progress=self.progress).items():
            values[name].meta[RANGE_KEY] = found
        return ir.passes.PassResult(model, modified=True)
