"""What a stage costs, by formula: cycles, DSP slices, block RAM. A model of the schedule, not a synthesis.

Every loop nest takes one cycle per iteration of its pipelined loop; the parts of a stage take turns on each row. A
product takes one DSP slice at any width, a shift by a weight that is a power of two none, a requantizer four (32 x 32
bits). Memories below 1,024 bits are registers.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from edgeq.fpga.cost import REQUANTIZER_DSP, Cost, bram18, stream_bram
from edgeq.fpga.dataflow import Dataflow, Stage
from edgeq.fpga.stage_kind import Kind
from edgeq.program.ops import AveragePool, Conv2D, Dense, MaxPool, Op
from edgeq.targets.hls.fold import Fold
from edgeq.targets.hls.geometry import Geometry, geometry
from edgeq.targets.hls.stored import stored_weights


def stage_cost(stage: Stage, fold: Fold, flow: Dataflow) -> Cost:
    """Of a stage and of the streams that it writes."""
    kind = stage.kind(flow.program)
    fifos = sum(stream_bram(stream) for stream in stage.outputs)
    if kind == Kind.WINDOW:
        cost = _window(stage, fold)
    elif kind == Kind.ELEMENTWISE:
        cost = Cost(stage.outputs[0].buffer.size, _multipliers(stage.ops[0]), 0)
    else:
        cost = _whole(stage)
    return replace(cost, bram=cost.bram + fifos)


def _window(stage: Stage, fold: Fold) -> Cost:
    """Rows are taken in, summed up, requantized and sent out in turns."""
    (op,) = stage.ops
    assert isinstance(op, Conv2D | Dense | AveragePool | MaxPool)
    shape = geometry(op)
    results = shape.out_height * shape.out_row
    taken, sent = stage.inputs[0].words, stage.outputs[0].words
    cycles = taken + window_cycles(op, shape, fold) + results + sent
    stored = stored_weights(op) if isinstance(op, Conv2D | Dense) else None
    shifts = fold.products if stored is not None and stored.shifts else 0
    products = fold.products if stored is not None and not stored.shifts else 0
    dsp = products + (0 if isinstance(op, MaxPool) else REQUANTIZER_DSP)
    bits = stage.inputs[0].element_bits
    memories = [
        (bits * fold.inputs, ceil(shape.ring * shape.row / fold.inputs)),
        (32 * fold.outputs, ceil(shape.out_row / fold.outputs)),
        (bits, shape.out_row),
        (32, 2 * shape.out_channels),
    ]
    if stored is not None:
        memories.append((stored.bits * fold.products, stored.table.size // fold.products))
    return Cost(cycles, dsp, sum(bram18(width, depth) for width, depth in memories), shifts=shifts)


def window_cycles(op: Op, shape: Geometry, fold: Fold) -> int:
    """Cycles that the sums of a window operator take."""
    reads = op.weight[0].size if isinstance(op, Conv2D | Dense) else shape.taps
    return shape.out_height * shape.out_row * reads // fold.products


def _whole(stage: Stage) -> Cost:
    """Tensors are taken in as a whole, each element costs a cycle, and the result is sent out."""
    tensors = {stream.buffer.name: stream.buffer for stream in (*stage.inputs, *stage.outputs)}
    moved = sum(stream.words for stream in (*stage.inputs, stage.outputs[0]))
    work = sum(max(op.macs, stage.outputs[0].buffer.size) for op in stage.ops)
    memory = sum(bram18(8 * buffer.nbytes // buffer.size, buffer.size) for buffer in tensors.values())
    return Cost(moved + work, sum(map(_multipliers, stage.ops)), memory)


def _multipliers(op: Op) -> int:
    """DSP slices of one element of an operator without a window."""
    return {"add": 4, "mul": 1 + REQUANTIZER_DSP, "lut": 0, "fill": 0}.get(op.kind, REQUANTIZER_DSP)
