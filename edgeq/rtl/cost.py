"""What an engine takes. DSP slices and block RAMs are those that Yosys 0.23 finds; the rest is fitted."""

from __future__ import annotations

from edgeq.fpga.cost import Cost, bram18, stream_bram
from edgeq.fpga.dataflow import Dataflow, Stage
from edgeq.rtl.engines import engine
from edgeq.rtl.logic import flip_flops, look_up_tables
from edgeq.rtl.schedule import window_cycles
from edgeq.rtl.window import Window
from edgeq.targets.hls.fold import Fold


def stage_cost(stage: Stage, fold: Fold, flow: Dataflow) -> Cost:
    """Of a stage and of the streams that it writes.

    Raises:
        UnsupportedError: It has no engine.
    """
    made = engine(stage, fold, flow)
    cycles = window_cycles(made) if isinstance(made, Window) else made.cycles
    bram = sum(bram18(*memory) for memory in made.memories) + sum(map(stream_bram, stage.outputs))
    return Cost(cycles, made.dsp, bram, look_up_tables(made), flip_flops(made))
