"""What CMSIS-NN executes on a Cortex-M4, and how long it was published to take.

Instructions and multiply-accumulates by kind of kernel: CMSIS-NN of 2026-07, gcc 12.2 -O3, counted in QEMU 7.2.
Milliseconds: MLPerf Tiny, closed division, NUCLEO-L4R5ZI at 120 MHz, microTVM with CMSIS-NN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CLOCK_KHZ = 120_000


@dataclass(frozen=True)
class Peer:
    """A published model.

    Attributes:
        milliseconds: Of an inference.
        instructions: Millions, by kind of kernel.
        macs: Millions, by kind of kernel.
    """

    milliseconds: float
    instructions: Mapping[str, float]
    macs: Mapping[str, float]

    @property
    def cycles(self) -> float:
        """Millions of cycles of an inference."""
        return self.milliseconds * CLOCK_KHZ / 1e6


PEERS = {
    "resnet8": Peer(
        389.6,
        {"convolution": 27.498, "add": 2.370, "fully_connected": 0.002},
        {"convolution": 12.501, "fully_connected": 0.001},
    ),
    "dscnn": Peer(
        99.8,
        {"convolution": 1.111, "depthwise": 2.398, "pointwise": 4.276, "add": 0.054, "fully_connected": 0.002},
        {"convolution": 0.320, "depthwise": 0.288, "pointwise": 2.048, "fully_connected": 0.001},
    ),
    "vww": Peer(
        300.8,
        {"convolution": 3.063, "depthwise": 7.057, "pointwise": 7.376, "pointwise_long": 7.195, "add": 0.019},
        {"convolution": 0.498, "depthwise": 0.798, "pointwise": 2.359, "pointwise_long": 3.834},
    ),
    "autoencoder": Peer(8.6, {"fully_connected": 0.579}, {"fully_connected": 0.264}),
}
"""`add` stands for all that has no weights; `pointwise_long` for 128 and more input channels."""
