"""What an engine takes. DSP slices and block RAMs are what Yosys 0.23 makes of it; look-up tables and flip-flops are
fitted (`tools/fit_rtl`)."""

from __future__ import annotations

from edgeq.fpga.cost import REQUANTIZER_DSP, Cost, bram18, stream_bram
from edgeq.fpga.dataflow import Dataflow, Stage
from edgeq.program.ops import Conv2D, Dense, MaxPool
from edgeq.rtl.engines import Function, Sum, Window, engine
from edgeq.rtl.schedule import interval
from edgeq.targets.hls.fold import Fold

WIDE_PORT = 25
"""Bits of the wider operand of a DSP slice (DSP48E1, UG479)."""


def stage_cost(stage: Stage, fold: Fold, flow: Dataflow) -> Cost:
    """Of a stage and of the streams that it writes.

    Raises:
        UnsupportedError: It has no engine.
    """
    made = engine(stage, fold, flow)
    memories = sum(bram18(rom.width, rom.depth) for rom in made.roms) + sum(map(stream_bram, stage.outputs))
    if isinstance(made, Window):
        lines = bram18(made.lines_width, made.lines_depth)
        return Cost(interval(made), _window_dsp(made), memories + lines)
    dsp = sum(map(_constant_dsp, (made.op.m1, made.op.m2))) if isinstance(made, Sum) else 0
    return Cost(interval(made), dsp, memories + isinstance(made, Function))


def _window_dsp(made: Window) -> int:
    """One slice for each product, and four for a multiplier that is read from a table."""
    products = made.fold.products if isinstance(made.op, Conv2D | Dense) else 0
    if isinstance(made.op, MaxPool):
        return products
    (table,) = made.roms[-1:]
    if table.depth > 1 or made.op.requantize.negative is not None:
        return products + REQUANTIZER_DSP
    (word,) = table.words
    return products + 2 * sum(map(_constant_dsp, (word >> 16, word & 0xFFFF)))


def _constant_dsp(factor: int) -> int:
    """Slices of a product with a constant: none where it is a shift."""
    if factor == 0 or abs(factor).bit_count() == 1:
        return 0
    return 1 if factor.bit_length() < WIDE_PORT else 2
