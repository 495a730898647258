"""What a stage takes of a device, and the block RAMs of a memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from edgeq.fpga.dataflow import Dataflow, Stage, Stream
from edgeq.targets.hls.fold import Fold

BRAM_SHAPES = ((1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512))
"""Widths (bits) and depths (words) of an 18 Kbit block RAM (Xilinx 7 series, UG473)."""

REQUANTIZER_DSP = 4
"""A product of 32 x 32 bits."""

REGISTER_BITS = 1024
"""Memories below are registers or tables of logic."""


@dataclass(frozen=True)
class Cost:
    """What a stage takes.

    Attributes:
        cycles: From one inference to the next.
        dsp: DSP slices.
        bram: Block RAMs of 18 Kbit.
        lut, ff: Look-up tables and flip-flops; None where the model does not know.
        shifts: Products by a power of two, made of logic.
        latency: Cycles of one inference alone; 0 for as many as `cycles`.
    """

    cycles: int
    dsp: int
    bram: int
    lut: int | None = None
    ff: int | None = None
    shifts: int = 0
    latency: int = 0


CostModel = Callable[[Stage, Fold, Dataflow], Cost]
"""What a stage takes with a fold, the streams that it writes included."""


def bram18(width: int, depth: int) -> int:
    """Block RAMs of a memory of `depth` words of `width` bits."""
    if width * depth < REGISTER_BITS:
        return 0
    return min(ceil(width / w) * ceil(depth / d) for w, d in BRAM_SHAPES)


def stream_bram(stream: Stream) -> int:
    """Block RAMs of a FIFO."""
    return bram18(stream.word_bits, stream.depth)
