"""The widths and granularity that a model is quantized to."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.calibrate.ranges import Method


@dataclass(frozen=True)
class Scheme:
    """What a model is to be quantized to.

    Attributes:
        weight_bits: 8, 4 or 2.
        activation_bits: 8, 16 or 4.
        per_channel: One weight scale per output channel, not per tensor.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool = True

    @property
    def narrow(self) -> bool:
        """Whether rounding to nearest within the extremes costs much."""
        return self.weight_bits < 8 or self.activation_bits < 8

    @property
    def method(self) -> Method:
        """How activation ranges are chosen: up to 8 bits are better spent on the bulk than on the extremes."""
        return "mse" if self.activation_bits <= 8 else "minmax"
