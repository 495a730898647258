"""The widths and granularity that a model is quantized to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeq.calibrate.ranges import Method


@dataclass(frozen=True)
class Scheme:
    """What a model is to be quantized to.

    Attributes:
        weight_bits: 8, 4 or 2.
        activation_bits: 8, 16 or 4.
        per_channel: One weight scale per output channel, not per tensor.
        layer_weight_bits, layer_activation_bits: Of single layers, by node name, where they differ.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool = True
    layer_weight_bits: Mapping[str, int] = field(default_factory=dict)
    layer_activation_bits: Mapping[str, int] = field(default_factory=dict)

    @property
    def method(self) -> Method:
        """How activation ranges are chosen: up to 8 bits are better spent on the bulk than on the extremes."""
        return "mse" if self.activation_bits <= 8 else "minmax"

    @property
    def narrow(self) -> bool:
        """Whether anything has less than 8 bits."""
        uniform, single = (self.weight_bits, self.activation_bits), (self.layer_weight_bits, self.layer_activation_bits)
        return min(*uniform, *(bits for layers in single for bits in layers.values())) < 8
