"""What an engine takes. DSP slices and block RAMs are those that Yosys 0.23 finds; the rest is fitted."""

from __future__ import annotations

from edgeq.fpga.cost import REQUANTIZER_DSP, Cost, bram18, stream_bram
from edgeq.fpga.dataflow import Dataflow, Stage
from edgeq.program.ops import Conv2D, Dense, MaxPool
from edgeq.rtl.engines import Engine, Normalization, Sum, engine
from edgeq.rtl.logic import flip_flops, look_up_tables
from edgeq.rtl.rom import Rom
from edgeq.rtl.schedule import interval
from edgeq.rtl.window import Window
from edgeq.targets.hls.fold import Fold

WIDE_PORT = 25
"""Bits of the wider operand of a DSP slice (DSP48E1, UG479)."""


def stage_cost(stage: Stage, fold: Fold, flow: Dataflow) -> Cost:
    """Of a stage and of the streams that it writes.

    Raises:
        UnsupportedError: It has no engine.
    """
    made = engine(stage, fold, flow)
    lines = bram18(made.lines_width, made.lines_depth) if isinstance(made, Window) else 0
    bram = lines + sum(map(_rom_bram, made.roms)) + sum(map(stream_bram, stage.outputs))
    return Cost(interval(made), _dsp(made), bram, look_up_tables(made), flip_flops(made))


def _rom_bram(rom: Rom) -> int:
    """A table of one word is a constant."""
    return bram18(rom.width, rom.depth) if rom.depth > 1 else 0


def _dsp(made: Engine) -> int:
    """One slice for each product of a window or of a sum, and those of the requantizer."""
    if isinstance(made, Sum):
        return sum(1 if factor.bit_length() < WIDE_PORT else 2 for factor in (made.op.m1, made.op.m2))
    if isinstance(made, Normalization):
        return REQUANTIZER_DSP
    if not isinstance(made, Window) or isinstance(made.op, MaxPool):
        return 0
    return REQUANTIZER_DSP + (made.fold.products if isinstance(made.op, Conv2D | Dense) else 0)
