"""Look-up tables and flip-flops of a stage: linear in the bits of its registers, fitted to what Yosys makes of it.

`tools/bench_fpga_rtl` makes the weights. Over the stages of the one design that they come from they are off by 10 % on
average, by 25 % (look-up tables) and 31 % (flip-flops) at most: benchmarks/fpga_rtl.csv.
"""

from __future__ import annotations

from edgeq.program.ops import Conv2D, Dense
from edgeq.rtl.engines import Engine
from edgeq.rtl.window import Window

LUT_WEIGHTS = (356.0, 121.0, 0.77, 3.41)
FF_WEIGHTS = (423.0, 124.4, 0.9, 2.6)


def look_up_tables(engine: Engine) -> int:
    return _linear(LUT_WEIGHTS, engine)


def flip_flops(engine: Engine) -> int:
    return _linear(FF_WEIGHTS, engine)


def features(engine: Engine) -> tuple[int, ...]:
    """1; and of a window 1, the bits of its adder trees, and those of its accumulators."""
    if not isinstance(engine, Window):
        return 1, 0, 0, 0
    fold, op = engine.fold, engine.op
    product = engine.stage.inputs[0].element_bits + (op.weight_bits if isinstance(op, Conv2D | Dense) else 0)
    tree = fold.outputs * (fold.inputs - 1) * (product + (fold.inputs - 1).bit_length())
    return 1, 1, tree, fold.outputs * engine.acc_bits


def _linear(weights: tuple[float, ...], engine: Engine) -> int:
    return round(sum(weight * feature for weight, feature in zip(weights, features(engine), strict=True)))
