"""Which passes quantize a model, in order."""

from __future__ import annotations

from collections.abc import Callable

from onnx_ir.passes import PassBase

from edgeq.calibrate.samples import Samples
from edgeq.passes.calibrate_minmax import CalibrateMinmax
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq


def quantize_passes(
    samples: Samples,
    *,
    weight_bits: int = 8,
    activation_bits: int = 8,
    per_channel: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> list[PassBase]:
    """A canonical float model to QDQ ONNX with integer weights.

    Args:
        samples: For calibration.
        weight_bits, activation_bits, per_channel: See `InsertQdq`.
        progress: Told (samples done, samples in total) while calibrating.
    """
    return [
        CalibrateMinmax(samples, progress),
        InsertQdq(weight_bits, activation_bits, per_channel),
        FreezeWeights(),
    ]
