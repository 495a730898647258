"""Which passes quantize a model, in order."""

from __future__ import annotations

from collections.abc import Callable

from onnx_ir.passes import PassBase

from edgeq.calibrate.samples import Samples
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.hoist_qdq import HoistQdq
from edgeq.passes.import_quantized import ImportQuantized
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.require_qdq import RequireQdq


def quantize_passes(
    samples: Samples,
    *,
    weight_bits: int = 8,
    activation_bits: int = 8,
    per_channel: bool = True,
    progress: Callable[[int, int], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> list[PassBase]:
    """A canonical float model to QDQ ONNX with integer weights.

    Args:
        samples: For calibration.
        weight_bits, activation_bits, per_channel: See `InsertQdq`.
        progress: Told (samples done, samples in total) while calibrating.
        warn: Told what looks wrong about the samples.
    """
    return [
        Calibrate(samples, bits=activation_bits, progress=progress, warn=warn),
        InsertQdq(weight_bits, activation_bits, per_channel),
        FreezeWeights(),
    ]


def import_passes() -> list[PassBase]:
    """A canonical QDQ model of any tool to the form of `quantize_passes`, with the scales that it came with."""
    return [ImportQuantized(), HoistQdq(), RequireQdq(), FreezeWeights()]
