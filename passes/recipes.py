"""Which passes quantize a model, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from onnx_ir.passes import PassBase

from edgeq.calibrate.samples import Samples
from edgeq.passes.assign_widths import AssignWidths
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.hoist_qdq import HoistQdq
from edgeq.passes.import_quantized import ImportQuantized
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.require_qdq import RequireQdq
from edgeq.passes.weight_blocks import MergeBlocks


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


def split_at_quantization(passes: Sequence[PassBase]) -> tuple[list[PassBase], list[PassBase]]:
    """The passes before `InsertQdq`, which leave the function as it is, and the others."""
    first = next((i for i, pass_ in enumerate(passes) if isinstance(pass_, InsertQdq)), 0)
    return list(passes[:first]), list(passes[first:])


def essential(passes: Sequence[PassBase]) -> list[PassBase]:
    """The least that quantizes: without what only makes it more accurate."""
    return [pass_ for pass_ in passes if isinstance(pass_, AssignWidths | Calibrate | InsertQdq | FreezeWeights)]


def import_passes() -> list[PassBase]:
    """A canonical QDQ model of any tool to the form of `quantize_passes`, with the scales that it came with."""
    return [MergeBlocks(), ImportQuantized(), HoistQdq(), RequireQdq(), FreezeWeights()]
