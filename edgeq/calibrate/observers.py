"""What is remembered of a tensor while its values stream by."""

from __future__ import annotations

import math

import numpy as np

from edgeq.calibrate.histogram import Histogram
from edgeq.quant.qparams import Range

SMOOTHING = 0.01
"""Weight of a sample in the moving average, once a hundred samples have been seen."""


class Observer:
    """Everything that any method of choosing a range needs, in memory that does not grow with the samples.

    Attributes:
        samples: Number of updates.
        channel_lo, channel_hi: Extremes along axis 1 (of the whole tensor, where it has no such axis): (channels,).
        average: Moving average of the extremes of each sample (Jacob et al., CVPR 2018, section 3.1); the plain mean
            of the first hundred, so that the first sample weighs no more than the others.
        histogram: Of all values.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.channel_lo = np.array([math.inf])
        self.channel_hi = np.array([-math.inf])
        self.average = (0.0, 0.0)
        self.histogram = Histogram()

    def update(self, values: np.ndarray) -> None:
        """Takes in samples, (samples, *shape).

        Raises:
            ValueError: A value is NaN or infinite.
        """
        axes = tuple(axis for axis in range(1, values.ndim) if axis != 2)
        lo, hi = (side(axis=axes).reshape(len(values), -1) for side in (values.min, values.max))
        if not (np.isfinite(lo).all() and np.isfinite(hi).all()):
            raise ValueError("NaN or infinity")
        self.channel_lo = np.minimum(self.channel_lo, lo.min(axis=0))
        self.channel_hi = np.maximum(self.channel_hi, hi.max(axis=0))
        for low, high in zip(lo.min(axis=1).tolist(), hi.max(axis=1).tolist(), strict=True):
            self.samples += 1
            weight, (old_low, old_high) = max(1 / self.samples, SMOOTHING), self.average
            self.average = (old_low + weight * (low - old_low), old_high + weight * (high - old_high))
        self.histogram.update(values)

    @property
    def range(self) -> Range:
        """The smallest and the largest value so far."""
        return Range(float(self.channel_lo.min()), float(self.channel_hi.max()))

    def clipped(self, chosen: Range) -> float:
        """The share of values outside a range, to the width of a bin."""
        edges, counts = self.histogram.occupied()
        outside = (edges[1:] <= chosen.lo) | (edges[:-1] >= chosen.hi)
        return float(counts[outside].sum() / max(self.histogram.total, 1))
