"""What the channels of a float model's tensors look like on samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.samples import Samples
from edgeq.errors import CalibrationError


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """Of a tensor's channels (axis 1), over all samples: each float64, (channels,).

    Attributes:
        lo, hi: The smallest and the largest value.
        energy: The mean square.
        active: The share of elements that are not zero.
    """

    lo: np.ndarray
    hi: np.ndarray
    energy: np.ndarray
    active: np.ndarray


def channel_statistics(
    model: ir.Model, samples: Samples, values: Iterable[ir.Value]
) -> dict[ir.Value, ChannelStatistics]:
    """Runs a float model on samples, in memory that does not grow with their number.

    Args:
        values: Graph inputs and node outputs, of rank 2 or more.

    Raises:
        CalibrationError: The model computes NaN or infinity on a sample.
    """
    wanted = {str(value.name): value for value in values}
    runner = FloatRunner(model, [name for name, value in wanted.items() if not value.is_graph_input()])
    found: dict[ir.Value, ChannelStatistics] = {}
    for number, sample in enumerate(samples.batches(1), 1):
        arrays = sample | (runner.run(sample) if runner.outputs else {})
        for name, value in wanted.items():
            new = _statistics(arrays[name], name)
            found[value] = _mean(found[value], new, number) if value in found else new
    return found


def _statistics(array: np.ndarray, name: str) -> ChannelStatistics:
    """Of one sample, (1, batch, channels, ...)."""
    if not np.isfinite(array).all():
        raise CalibrationError(
            "the float model computes NaN or infinity", tensor=name, fix="check the samples' scaling, and the weights"
        )
    rows = np.moveaxis(array, 2, 0).reshape(array.shape[2], -1).astype(np.float64)
    energy, active = np.square(rows).mean(axis=1), (rows != 0).mean(axis=1)
    return ChannelStatistics(rows.min(axis=1), rows.max(axis=1), energy, active)


def _mean(seen: ChannelStatistics, new: ChannelStatistics, count: int) -> ChannelStatistics:
    """Over `count` samples, of which `new` is the last."""
    return ChannelStatistics(
        np.minimum(seen.lo, new.lo),
        np.maximum(seen.hi, new.hi),
        seen.energy + (new.energy - seen.energy) / count,
        seen.active + (new.active - seen.active) / count,
    )
