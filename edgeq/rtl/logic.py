"""Look-up tables and flip-flops of a stage: linear in counts of its parts, fitted to what Yosys makes of them.

`tools/bench_fpga_rtl` makes the weights, and says how far they are off: benchmarks/fpga_rtl.csv.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.program.ops import Conv2D, Dense, MaxPool
from edgeq.rtl.arrangement import Arrangement
from edgeq.rtl.elements import Function, Normalization, Product, Sum
from edgeq.rtl.engines import Engine, Fork
from edgeq.rtl.parts import (
    Counts,
    address_bits,
    memory,
    outputs,
    requantizer,
    resize,
    rom,
    unpack,
)
from edgeq.rtl.window import Window

LUT_WEIGHTS = {
    "counters": 0.86, "shifted": 1.08, "queued": 0.60, "rows": 0.55, "tables": 1.08, "chosen": 0.52, "port": 0.77,
    "summed": 0.72, "added": 0.91, "requantizers": 286.0, "limits": 124.32, "writers": 100.67,
}  # fmt: skip
FF_WEIGHTS = {"registers": 0.98, "requantizers": 135.67, "additions": 30.35, "dividers": 75.24, "writers": 5.87}


def look_up_tables(engine: Engine) -> int:
    return linear(LUT_WEIGHTS, counts(engine))


def flip_flops(engine: Engine) -> int:
    return linear(FF_WEIGHTS, counts(engine))


def linear(weights: Mapping[str, float], values: Counts) -> int:
    return round(sum(weight * values[name] for name, weight in weights.items()))


def counts(engine: Engine) -> Counts:
    """Those of an engine and of the streams that it writes: see `edgeq.rtl.parts`."""
    stage = engine.stage
    total = outputs(stage.outputs)
    if isinstance(engine, Fork):
        return total
    y = stage.outputs[0]
    total += resize(y.element_bits, 1, y.lanes)
    if isinstance(engine, Window):
        return total + _window(engine)
    if isinstance(engine, Arrangement):
        return total + _arrangement(engine)
    for x in stage.inputs:
        total += resize(x.element_bits, x.lanes, 1)
    return total + _core(engine)


def _window(engine: Window) -> Counts:
    x, fold, acc = engine.stage.inputs[0], engine.fold, engine.fold.outputs * engine.acc_bits
    total = resize(x.element_bits, x.lanes, engine.lanes) + _lines(engine) + unpack(engine.acc_bits, fold.outputs)
    total += Counts(registers=acc, summed=acc)
    if isinstance(engine.op, Conv2D | Dense):
        for table in engine.roms[:2]:
            total += rom(table)
        terms = fold.inputs - 1
        delays = 3 * (1 + terms.bit_length())
        added = fold.outputs * terms * (x.element_bits + engine.op.weight_bits + terms.bit_length())
        total += Counts(registers=added + delays, added=added)
    return total + (Counts(limits=1) if isinstance(engine.op, MaxPool) else requantizer(engine.roms[-1]))


def _lines(engine: Window) -> Counts:
    """Rows in memory, and the sweep over them."""
    row = engine.shape.width * engine.words
    held = (engine.ring * row).bit_length() + row.bit_length() + engine.ring.bit_length()
    port = engine.lanes * engine.stage.inputs[0].element_bits
    bits = held + _sweep(engine)
    return memory(engine.rows, "rows") + Counts(registers=bits + 5, counters=bits, port=port)


def _sweep(engine: Window) -> int:
    """Bits of its loops, of its places in the image, and of the addresses that belong to them: see edgeq_sweep."""
    shape = engine.shape
    words = engine.group_words, engine.group_folds, engine.folds
    loops = sum(map(address_bits, (*words, shape.out_width, shape.out_height, *shape.kernel)))
    high = shape.height + shape.top + shape.span + (1 + shape.out_height) * shape.strides[0]
    wide = shape.width + shape.left + shape.kernel[1] * shape.dilations[1] + shape.out_width * shape.strides[1]
    down, across = 1 + address_bits(high), 1 + address_bits(wide)
    rows = 2 * (engine.ring * shape.width * engine.words).bit_length() + 2 * down * (shape.out_height > 1)
    columns = 2 * (across + engine.words.bit_length()) * (shape.width > 1) + 2 * across * shape.padded
    return loops + rows + columns


def _arrangement(engine: Arrangement) -> Counts:
    total = memory(engine.memories[0], "rows")
    total += Counts(registers=engine.address_bits + len(engine.writers) + 5, counters=engine.address_bits)
    for writer in engine.writers:
        x, loops = writer.stream, sum(map(int.bit_length, writer.walk.sizes))
        total += resize(x.element_bits, x.lanes, 1)
        total += Counts(registers=loops + engine.address_bits + 33, counters=loops + engine.address_bits, writers=1)
        total += requantizer(writer.roms[0]) if writer.finish else Counts()
    return total


def _core(engine: Sum | Product | Function | Normalization) -> Counts:
    if isinstance(engine, Sum):
        return Counts(additions=1)
    if isinstance(engine, Function):
        return Counts(registers=1)
    return requantizer(engine.roms[-1]) + Counts(dividers=int(isinstance(engine, Normalization)))
