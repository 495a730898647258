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
        flash, ram: Bytes.
    """

    instructions: int
    flash: int
    ram: int


PEERS = {
    ("cortex-m4", "resnet8"): Peer(29_870_000, 99_176, 49_152 + 2_304),
    ("cortex-m4", "dscnn"): Peer(7_840_000, 50_248, 16_000 + 256),
    ("cortex-m4", "vww"): Peer(24_710_000, 266_320, 64_512 + 1_024),
    ("cortex-m4", "autoencoder"): Peer(579_000, 276_136, 768),
}
"""By target and model."""
