"""How much of a layer is computed at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fold:
    """The parallelism of a layer, in the words of FINN: it does outputs * inputs products per cycle.

    Source: Umuroglu et al., "FINN: A Framework for Fast, Scalable Binarized Neural Network Inference", FPGA 2017,
    section 4.2.

    Attributes:
        outputs: Output channels at once (PE); a divisor of their number, in a group if there are groups.
        inputs: Products per output channel at once (SIMD); a divisor of the channels that one of them reads.
    """

    outputs: int = 1
    inputs: int = 1

    @property
    def products(self) -> int:
        """Multipliers."""
        return self.outputs * self.inputs
