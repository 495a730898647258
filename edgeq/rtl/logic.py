"""Look-up tables and flip-flops of a stage: linear in the bits of its registers, fitted to what Yosys makes of it.

`tools/bench_fpga_rtl` makes the weights; its table (benchmarks/fpga_rtl.csv) holds what remains between them and
synthesis.
"""

from __future__ import annotations

from edgeq.fpga.cost import REGISTER_BITS
from edgeq.program.ops import Conv2D, Dense
from edgeq.rtl.engines import Engine
from edgeq.rtl.window import Window

LUT_WEIGHTS = (100.0, 300.0, 1.0, 2.0, 1.0, 1.0, 0.5)
FF_WEIGHTS = (100.0, 300.0, 1.0, 2.0, 1.0, 1.0, 1.0)


def look_up_tables(engine: Engine) -> int:
    return _linear(LUT_WEIGHTS, engine)


def flip_flops(engine: Engine) -> int:
    return _linear(FF_WEIGHTS, engine)


def features(engine: Engine) -> tuple[int, ...]:
    """1; 1 for a window; the bits of its adder trees, accumulators, words of input and words of tables without block
    RAM; those of the streams that the stage writes without block RAM.
    """
    streams = sum(
        stream.word_bits * (stream.depth + 1)
        for stream in engine.stage.outputs
        if stream.word_bits * stream.depth < REGISTER_BITS
    )
    return 1, *(_window(engine) if isinstance(engine, Window) else (0, 0, 0, 0, 0)), streams


def _window(engine: Window) -> tuple[int, ...]:
    fold, bits = engine.fold, engine.stage.inputs[0].element_bits
    width = bits + (engine.op.weight_bits if isinstance(engine.op, Conv2D | Dense) else 0)
    tree = fold.outputs * (fold.inputs - 1) * (width + (fold.inputs - 1).bit_length())
    small = sum(rom.width for rom in engine.roms if rom.width * rom.depth < REGISTER_BITS)
    return 1, tree, fold.outputs * engine.acc_bits, engine.lanes * bits, small


def _linear(weights: tuple[float, ...], engine: Engine) -> int:
    return round(sum(weight * feature for weight, feature in zip(weights, features(engine), strict=True)))
