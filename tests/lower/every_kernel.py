"""A program that holds every kernel of the portable family, in its different forms."""

from __future__ import annotations

import numpy as np
from lower.operators import Case, program_of

from edgeq.program.ops import (
    Add,
    AveragePool,
    Conv2D,
    Copy,
    Dense,
    Fill,
    Gather,
    Interpolate,
    LayerNorm,
    Lut,
    MatMul,
    MaxPool,
    Mul,
    Recurrent,
    Requantize,
    Softmax,
    View,
)
from edgeq.program.program import Buffer, Program
from edgeq.quant.recurrent import GATES
from edgeq.quant.tables import softmax_table

IMAGE = (1, 6, 6, 8)


def every_kernel() -> Program:
    """Independent operators: each kernel at 8 and at 16 bits, convolutions also with packed weights."""
    return program_of([case for bits in (8, 16) for case in [*_convolutions(bits), *_pools(bits), *_others(bits)]])


def _requantize(bits: int, count: int = 1, signed: bool = False) -> Requantize:
    multiplier = np.full(count, 123456789, np.int32)
    right = 3 if bits == 16 else 0
    return Requantize(multiplier, 0, -100, 100, right=right, negative=-multiplier if signed else None)


def _case(op, bits: int, y_bits: int | None = None, **shapes: tuple[int, ...]) -> Case:
    return Case(op, {n: Buffer(n, s, y_bits if y_bits and n == "y" else bits) for n, s in shapes.items()})


def _convolutions(bits: int) -> list[Case]:
    zero = 0 if bits == 16 else -5
    cases = []
    for weight_bits in (8, 4, 2) if bits == 8 else (8,):
        for groups, dilation in ((1, 1), (1, 2), (2, 1), (8, 1)):
            weight = np.ones((8, 3, 3, 8 // groups), np.int8)
            op = Conv2D(
                "conv", "y", "x", IMAGE, (1, 6, 6, 8), weight, weight_bits, np.arange(8, dtype=np.int32), zero,
                _requantize(bits, 8, signed=groups == 1), (1, 1), (dilation, dilation), (dilation,) * 4, groups,
            )  # fmt: skip
            cases.append(_case(op, bits, x=IMAGE, y=IMAGE))
    dense = Dense("dense", "y", "x", 2, np.ones((5, 7), np.int8), 4, np.zeros(5, np.int32), _requantize(bits, 5))
    return [*cases, _case(dense, bits, x=(2, 7), y=(2, 5))]


def _pools(bits: int) -> list[Case]:
    counts = np.zeros((3, 3), np.int32)
    window = ((2, 2), (1, 1), (1, 1, 0, 0))
    return [
        _case(MaxPool("max", "y", "x", IMAGE, (1, 3, 3, 8), (3, 3), -7, 9, *window), bits, x=IMAGE, y=(1, 3, 3, 8)),
        _case(
            AveragePool("avg", "y", "x", IMAGE, (1, 3, 3, 8), (3, 3), 0, _requantize(bits), counts, *window),
            bits,
            x=IMAGE,
            y=(1, 3, 3, 8),
        ),
    ]


def _others(bits: int) -> list[Case]:
    view, turned = View((4, 6), (6, 1)), View((4, 6), (1, 4))
    shape = (4, 6)
    table = np.zeros(256, np.int8 if bits == 8 else np.int16)
    rq = _requantize(8)
    norm = LayerNorm("norm", "y", "x", 4, 6, 2, 9, *np.full((2, 6), 999, np.int32), 8, -90, 90)
    binary = {"x1": shape, "x2": shape, "y": shape}
    return [
        _case(Add("add", "y", "x1", "x2", view, turned, 300, -200, 50, 9, -90, 90), bits, **binary),
        _case(Mul("mul", "y", "x1", "x2", view, turned, 0, 0, rq), bits, **binary),
        _case(Copy("copy", "y", "x", view, turned), bits, x=shape, y=shape),
        _case(Copy("move", "y", "x", view, view), bits, x=shape, y=shape),
        _case(Copy("rescale", "y", "x", view, view, 0, rq), bits, x=shape, y=shape),
        _case(Lut("lut", "y", "x", table), 8, bits, x=shape, y=shape),
        _case(Interpolate("line", "y", "x", np.zeros(513, np.int32), 23 - bits, -90, 90), 16, bits, x=shape, y=shape),
        _case(Softmax("softmax", "y", "x", 4, 6, softmax_table(0.1), rq), 8, bits, x=shape, y=shape),
        _case(norm, bits, x=shape, y=shape),
        _case(MatMul("product", "y", "x1", "x2", 2, 3, 3, 4, -2, 3, rq), 8, x1=(2, 3, 4), x2=(2, 3, 4), y=(2, 3, 3)),
        *(_recurrent(cell, bits) for cell in ("lstm", "gru")),
        _case(Gather("rows", "y", "x", np.zeros((3, 6), table.dtype)), bits, x=(4,), y=shape),
        _case(Fill("fill", "y", -3), bits, y=shape),
    ]


def _recurrent(cell: str, bits: int) -> Case:
    rows = GATES[cell] * 3
    weights = np.ones((rows, 2), np.int8), np.ones((rows, 3), np.int8)
    factors = np.full((3, rows), 999, np.int32)
    op = Recurrent(
        cell, "y", "x", cell, False, 4, *weights, factors[0], 1, factors[1], factors[2], factors[2, :3], _requantize(8)
    )
    return _case(op, bits, x=(4, 2), y=(4, 3))
