"""What an engine takes. DSP slices and block RAMs are those that Yosys 0.23 finds; the rest is fitted."""

from __future__ import annotations

from edgeq.fpga.cost import Cost
from edgeq.fpga.dataflow import Dataflow, Stage
from edgeq.rtl.arrangement import Arrangement
from edgeq.rtl.engines import Engine, engine
from edgeq.rtl.logic import flip_flops, look_up_tables
from edgeq.rtl.memory import Memory
from edgeq.rtl.schedule import window_cycles
from edgeq.rtl.window import Window
from edgeq.targets.hls.fold import Fold


def stage_cost(stage: Stage, fold: Fold, flow: Dataflow) -> Cost:
    """Of a stage and of the streams that it writes.

    Raises:
        UnsupportedError: It has no engine.
    """
    made = engine(stage, fold, flow)
    cycles, latency = _times(made)
    queues = tuple(Memory(stream.word_bits, stream.depth) for stream in stage.outputs)
    bram = sum(memory.blocks for memory in (*made.memories, *queues))
    return Cost(cycles, made.dsp, bram, look_up_tables(made), flip_flops(made), latency=latency)


def _times(made: Engine) -> tuple[int, int]:
    """Cycles from one inference to the next, and of one alone."""
    if isinstance(made, Window):
        return window_cycles(made)
    return made.cycles, made.latency if isinstance(made, Arrangement) else made.cycles
