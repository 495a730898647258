"""Programs for the engines: independent operators, each with a fold of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from hls.simulation import random_inputs
from lower.operators import Case, program_of
from program.programs import program

from edgeq.fpga.dataflow import dataflow
from edgeq.fpga.folding import Design
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Add, AveragePool, Conv2D, Copy, Dense, Fill, Lut, MaxPool, Mul, Requantize, Softmax, View
from edgeq.program.program import Buffer, Program
from edgeq.quant.tables import softmax_table
from edgeq.rtl.cost import stage_cost
from edgeq.rtl.sources import sources
from edgeq.targets.hls.fold import Fold
from edgeq.targets.load import load_target

RNG = np.random.default_rng(5)
ONE = Fold()


@dataclass(frozen=True, eq=False)
class Folded:
    """An operator and how parallel its engine is."""

    case: Case
    fold: Fold = ONE


def design(engines: list[Folded]) -> Design:
    """All of them side by side, each with its own inputs and its own output."""
    return _designed(program_of([engine.case for engine in engines]), [engine.fold for engine in engines])


def chain(cases: Sequence[Case]) -> Design:
    """Each reads what the one before made; folds of one product."""
    names = ["x", *(f"t{i}" for i in range(1, len(cases))), "y"]
    ops = [replace(case.op, x=x, y=y) for case, x, y in zip(cases, names[:-1], names[1:], strict=True)]
    shapes = dict(zip(names, [cases[0].buffers["x"].shape, *(case.buffers["y"].shape for case in cases)], strict=True))
    return _designed(program(ops, shapes, ["x"], ["y"]), [ONE] * len(ops))


def _designed(made: Program, folds: Sequence[Fold]) -> Design:
    flow = dataflow(made)
    return Design(
        flow, tuple(folds), tuple(stage_cost(s, fold, flow) for s, fold in zip(flow.stages, folds, strict=True))
    )


def write(made: Design, folder: Path, samples: int) -> None:
    """The package's sources, with random samples."""
    program = made.flow.program
    inputs = random_inputs(program, samples)
    texts = sources(made, load_target("fpga-rtl"), "0", inputs, interpret(program, inputs))
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def convolution(
    x_shape: tuple[int, ...],
    outputs: int,
    fold: Fold,
    *,
    kernel: tuple[int, int] = (3, 3),
    strides: tuple[int, int] = (1, 1),
    dilations: tuple[int, int] = (1, 1),
    pads: tuple[int, int, int, int] = (1, 1, 1, 1),
    groups: int = 1,
    weight_bits: int = 8,
    bits: int = 8,
    signed: bool = False,
) -> Folded:
    """A convolution of random weights; int16 inputs are summed in 64 bits."""
    _, height, width, channels = x_shape
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    sizes = (height + pads[0] + pads[2], width + pads[1] + pads[3])
    out = [(size - span) // step + 1 for size, span, step in zip(sizes, spans, strides, strict=True)]
    shape = (outputs, *kernel, channels // groups)
    weight = _integers(weight_bits, shape)
    rq = _requantize(outputs, weight[0].size, weight_bits + bits, signed=signed, right=4 if bits == 16 else 0)
    op = Conv2D(
        "conv", "y", "x", x_shape, (1, *out, outputs), weight, weight_bits, RNG.integers(-999, 999, outputs, np.int32),
        0 if bits == 16 else -5, rq, strides, dilations, pads, groups,
    )  # fmt: skip
    return Folded(Case(op, {"x": Buffer("x", x_shape, bits), "y": Buffer("y", op.y_shape, 8)}), fold)


def small_biases(made: Folded) -> Folded:
    """Most bits of them are the same in all."""
    return replace(made, case=replace(made.case, op=replace(made.case.op, bias=np.arange(64, dtype=np.int32))))


def dense(rows: int, inputs: int, outputs: int, fold: Fold, weight_bits: int = 8) -> Folded:
    op = Dense(
        "dense", "y", "x", rows, _integers(weight_bits, (outputs, inputs)), weight_bits,
        RNG.integers(-999, 999, outputs, np.int32), _requantize(outputs, inputs, weight_bits + 8),
    )  # fmt: skip
    return Folded(Case(op, {"x": Buffer("x", (rows, inputs)), "y": Buffer("y", (rows, outputs))}), fold)


def pool(maximum: bool, fold: Fold, bits: int = 8) -> Folded:
    """A padded 3x2 window over an image of 5 x 6 pixels, whose averages divide by 6 inside and by 3 at the border."""
    x, y = (1, 5, 6, 8), (1, 3, 3, 8)
    window = ((2, 2), (1, 1), (1, 0, 1, 0))
    if maximum:
        op: MaxPool | AveragePool = MaxPool("max", "y", "x", x, y, (3, 2), -99, 90, *window)
    else:
        counts = np.array([[1] * 3, [0] * 3, [1] * 3], np.int32)
        rq = Requantize(np.array([1 << 28, 1 << 29], np.int32), 3, -128, 127)
        op = AveragePool("average", "y", "x", x, y, (3, 2), -7, rq, counts, *window)
    return Folded(Case(op, {"x": Buffer("x", x, bits), "y": Buffer("y", y, bits)}), fold)


def add(bits: int) -> Folded:
    view = View((4, 12), (12, 1))
    op = Add("add", "y", "x1", "x2", view, view, 300, -200, 1 << 9, 10, -90, 90)
    return Folded(Case(op, {name: Buffer(name, (4, 12), bits) for name in ("x1", "x2", "y")}))


def lut(y_bits: int) -> Folded:
    table = _integers(y_bits, (256,)).astype(np.int16 if y_bits == 16 else np.int8)
    return Folded(Case(Lut("lut", "y", "x", table), {"x": Buffer("x", (3, 20)), "y": Buffer("y", (3, 20), y_bits)}))


def softmax(rows: int, count: int) -> Folded:
    op = Softmax(
        "softmax",
        "y",
        "x",
        rows,
        count,
        softmax_table(0.05),
        Requantize(np.array([1 << 24], np.int32), -128, -128, 127, left=1),
    )
    return Folded(Case(op, {name: Buffer(name, (rows, count)) for name in ("x", "y")}))


def _integers(bits: int, shape: tuple[int, ...]) -> np.ndarray:
    return RNG.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape, np.int16).astype(np.int8 if bits <= 8 else np.int16)


def _requantize(count: int, terms: int, bits: int, signed: bool = False, right: int = 0) -> Requantize:
    """Multipliers that bring sums of so many random products to about 100."""
    typical = np.sqrt(terms) * 2.0 ** (bits - 4 - right)
    m = (RNG.uniform(0.5, 1.5, count) * 100 / typical * 2**31).clip(256, 2**30 - 1).astype(np.int32)
    return Requantize(m, 3, -128, 120, right=right, negative=-m // 3 if signed else None)


def mul(bits: int) -> Folded:
    view = View((4, 12), (12, 1))
    zeros = (0, 0) if bits == 16 else (-3, 7)
    op = Mul("mul", "y", "x1", "x2", view, view, *zeros, _requantize(1, 1, 2 * bits))
    return Folded(Case(op, {name: Buffer(name, (4, 12), bits) for name in ("x1", "x2", "y")}))


def transpose(height: int = 4, width: int = 5, channels: int = 3) -> Folded:
    """Planes to pixels."""
    size = height * width
    op = Copy("transpose", "y", "x", View((channels, size), (size, 1)), View((channels, size), (1, channels)))
    shapes = {"x": (1, channels, height, width), "y": (1, height, width, channels)}
    return Folded(Case(op, {name: Buffer(name, shape) for name, shape in shapes.items()}))


def pick() -> Folded:
    """A slice, with elements before it, behind it and between, backwards, each three times, at another scale."""
    op = Copy("slice", "y", "x", View((4, 3, 2), (-8, 0, 2), 26), View((4, 3, 2), (6, 1, 3)), -9, _requantize(1, 1, 8))
    return Folded(Case(op, {"x": Buffer("x", (5, 8)), "y": Buffer("y", (4, 2, 3), 16)}))


def pad() -> Folded:
    """A border around an image of 4 x 5 pixels of two channels, which is too large for registers."""
    inner = View((4, 5, 16), (9 * 16, 16, 1), 9 * 16 + 2 * 16)
    fill, copy = Fill("pad", "y", -77), Copy("pad", "y", "x", View((4, 5, 16), (80, 16, 1)), inner)
    return Folded(Case(fill, {"x": Buffer("x", (4, 5, 16)), "y": Buffer("y", (6, 9, 16))}, (copy,)))


def concatenation() -> Folded:
    """Two tensors at scales of their own, and a constant."""
    pixels = {"x1": 3, "x2": 2, "x": 1}
    buffers = {name: Buffer(name, (6, channels)) for name, channels in pixels.items()} | {"y": Buffer("y", (6, 6))}
    buffers["x"] = Buffer("x", (6, 1), data=_integers(8, (6, 1)))
    parts, start = [], 0
    for name, channels in pixels.items():
        to = View((6, channels), (6, 1), start)
        rq = None if name == "x" else _requantize(1, 1, 8)
        parts.append(Copy("concat", "y", name, View((6, channels), (channels, 1)), to, 5 * start, rq))
        start += channels
    return Folded(Case(parts[0], buffers, tuple(parts[1:])))
