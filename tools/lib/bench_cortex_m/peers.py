"""Figures of CMSIS-NN, called layer by layer from C without an interpreter: the strongest open peer.

Source: CMSIS-NN of 2026-07, gcc 12.2, hard float, measured in QEMU 7.2 with exact instruction counts as edgeq's
(-O3 for instructions, -Os for flash); outputs equal to those of the tflite-micro interpreter. Flash is text, rodata and
data of the whole firmware, about 2 KB of which are its harness. RAM is arena and scratch, input and output included.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """Cost of one model.

    Attributes:
        instructions: Of one inference.
        flash: Bytes; None where it was not measured.
        ram: Bytes.
    """

    instructions: int
    flash: int | None
    ram: int


PEERS = {
    ("cortex-m4", "resnet8"): Peer(29_870_000, 99_176, 49_152 + 2_304),
    ("cortex-m4", "dscnn"): Peer(7_840_000, 50_248, 16_000 + 256),
    ("cortex-m4", "vww"): Peer(24_710_000, 266_320, 64_512 + 1_024),
    ("cortex-m4", "autoencoder"): Peer(579_000, 276_136, 768),
    ("cortex-m7", "resnet8"): Peer(29_930_000, None, 49_152 + 2_304),
    ("cortex-m7", "dscnn"): Peer(7_760_000, None, 16_000 + 256),
    ("cortex-m7", "vww"): Peer(24_480_000, None, 64_512 + 1_024),
    ("cortex-m7", "autoencoder"): Peer(580_000, None, 768),
    ("cortex-m55", "resnet8"): Peer(4_807_000, 95_912, 49_152 + 2_304),
    ("cortex-m55", "dscnn"): Peer(1_782_000, 47_240, 16_000 + 4_464),
    ("cortex-m55", "vww"): Peer(6_425_000, 263_264, 64_512 + 4_464),
    ("cortex-m55", "autoencoder"): Peer(147_000, 282_952, 768),
}
"""By target and model."""

CLOCK_KHZ = 120_000

PUBLISHED = {
    ("cortex-m4", "resnet8"): (165.1, 167.8),
    ("cortex-m4", "dscnn"): (43.2, 47.8),
    ("cortex-m4", "vww"): (88.9, 98.8),
    ("cortex-m4", "autoencoder"): (5.26, 4.05),
}
"""Milliseconds of X-CUBE-AI 9.0 and of Plumerai, int8, on an STM32L4R5 at that clock (MLPerf Tiny, closed division)."""
