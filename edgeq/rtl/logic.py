"""Look-up tables and flip-flops of a stage: linear in a few numbers of its engine, fitted to what Yosys makes of it.

`tools/bench_fpga_rtl` makes the weights, and says how far they are off: benchmarks/fpga_rtl.csv.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgeq.fpga.cost import REGISTER_BITS
from edgeq.program.ops import Conv2D, Dense, MaxPool
from edgeq.rtl.arrangement import Arrangement
from edgeq.rtl.elements import Normalization, Product
from edgeq.rtl.engines import Engine, Fork
from edgeq.rtl.window import Window

FEATURES = ("elements", "window", "tree_bits", "acc_bits", "requantizers", "writers", "dividers", "memory_bits")
"""What the weights belong to: an engine of elements, a window, the bits of its adder trees and of its accumulators,
requantizers, writers of an arrangement, dividers, and the bits of all memories that are too small for block RAM."""

LUT_WEIGHTS = (356.0, 477.0, 0.77, 3.41, 0.0, 0.0, 0.0, 0.0)
FF_WEIGHTS = (423.0, 547.4, 0.9, 2.6, 0.0, 0.0, 0.0, 0.0)


def look_up_tables(engine: Engine) -> int:
    return linear(LUT_WEIGHTS, features(engine))


def flip_flops(engine: Engine) -> int:
    return linear(FF_WEIGHTS, features(engine))


def linear(weights: Sequence[float], values: Sequence[int]) -> int:
    return round(sum(weight * value for weight, value in zip(weights, values, strict=True)))


def features(engine: Engine) -> tuple[int, ...]:
    """Of an engine and the streams that it writes, in the order of `FEATURES`."""
    streams = ((stream.word_bits, stream.depth) for stream in engine.stage.outputs)
    small = _small((*engine.memories, *streams))
    if isinstance(engine, Window):
        requantizes = not isinstance(engine.op, MaxPool)
        return 0, 1, _tree_bits(engine), engine.fold.outputs * engine.acc_bits, int(requantizes), 0, 0, small
    if isinstance(engine, Arrangement):
        requantizers = sum(writer.finish is not None for writer in engine.writers)
        return 0, 0, 0, 0, requantizers, len(engine.writers), 0, small
    divides = isinstance(engine, Normalization)
    requantizes = divides or isinstance(engine, Product)
    return int(not isinstance(engine, Fork)), 0, 0, 0, int(requantizes), 0, int(divides), small


def _tree_bits(engine: Window) -> int:
    fold, op = engine.fold, engine.op
    product = engine.stage.inputs[0].element_bits + (op.weight_bits if isinstance(op, Conv2D | Dense) else 0)
    return fold.outputs * (fold.inputs - 1) * (product + (fold.inputs - 1).bit_length())


def _small(memories: Iterable[tuple[int, int]]) -> int:
    """Bits of the memories that are tables or registers of logic."""
    sizes = (width * depth for width, depth in memories)
    return sum(size for size in sizes if size < REGISTER_BITS)
