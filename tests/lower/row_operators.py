"""Random operators on rows and sequences, as hypothesis strategies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from lower.operator_parts import Case, bits, buffer, limits, random_integers, requantizes, zero_point

from edgeq.program.ops import Gather, LayerNorm, MatMul, Recurrent, Softmax
from edgeq.quant.normalization import spread_fraction
from edgeq.quant.recurrent import GATES


@st.composite
def softmaxes(draw: st.DrawFn) -> Case:
    rows, n, y_bits = draw(st.integers(1, 3)), draw(st.integers(1, 20)), draw(st.sampled_from([8, 16]))
    scale = draw(st.floats(0.001, 1))
    table = np.floor(np.exp(-scale * np.arange(256)) * 65536 + 0.5).astype(np.int32)
    rq = draw(requantizes(y_bits, (1,), float(1 << 14), False))
    op = Softmax("softmax", "y", "x", rows, n, table, rq)
    return Case(op, {"x": buffer("x", (rows, n), 8), "y": buffer("y", (rows, n), y_bits)})


@st.composite
def gathers(draw: st.DrawFn) -> Case:
    """Positions of any value, most of them outside the table."""
    count, x_bits, y_bits = draw(st.integers(1, 9)), draw(bits), draw(bits)
    table = random_integers(draw, (draw(st.integers(1, 200)), draw(st.integers(1, 9))), y_bits)
    op = Gather("gather", "y", "x", table)
    return Case(op, {"x": buffer("x", (count,), x_bits), "y": buffer("y", (count, table.shape[1]), y_bits)})


@st.composite
def layer_norms(draw: st.DrawFn) -> Case:
    rows, n = draw(st.integers(1, 3)), draw(st.integers(1, 70))
    x_bits, y_bits, shift = draw(bits), draw(bits), draw(st.integers(0, 8))
    factors = random_integers(draw, (2, n), 16).astype(np.int32) * draw(st.sampled_from([1, 1 << 6, 1 << 14]))
    fraction = draw(st.integers(0, spread_fraction(n, x_bits)))
    epsilon = draw(st.sampled_from([0, 1, 77, 1 << 20, 1 << 45, 1 << 60]))
    op = LayerNorm("norm", "y", "x", rows, n, fraction, epsilon, factors[0], factors[1], shift, *limits(y_bits))
    return Case(op, {"x": buffer("x", (rows, n), x_bits), "y": buffer("y", (rows, n), y_bits)})


@st.composite
def matmuls(draw: st.DrawFn) -> Case:
    batch, m, n, k = (draw(st.integers(1, most)) for most in (3, 4, 4, 20))
    x_bits, y_bits = draw(bits), draw(bits)
    zeros = draw(zero_point(x_bits)), draw(zero_point(x_bits))
    rq = draw(requantizes(y_bits, (1,), float(k << 2 * x_bits), x_bits == 16))
    rq = replace(rq, right=6) if x_bits == 16 else rq  # what sums of 20 products need, and one more
    op = MatMul("product", "y", "x1", "x2", batch, m, n, k, *zeros, rq)
    x1, x2 = buffer("x1", (batch, m, k), x_bits), buffer("x2", (batch, n, k), x_bits)
    return Case(op, {"x1": x1, "x2": x2, "y": buffer("y", (batch, m, n), y_bits)})


@st.composite
def recurrences(draw: st.DrawFn) -> Case:
    cell, x_bits, y_bits = draw(st.sampled_from(["lstm", "gru"])), draw(bits), draw(bits)
    steps, inputs, hidden = (draw(st.integers(1, most)) for most in (5, 9, 6))
    rows = GATES[cell] * hidden
    weight, recurrence = random_integers(draw, (rows, inputs), 8), random_integers(draw, (rows, hidden), 8)
    reach = draw(st.sampled_from([14, 20, 24]))  # of the gates, from small to saturated
    factors = [
        random_integers(draw, (count,), 16).astype(np.int32) << (reach - 14) for count in (rows, rows, rows, hidden)
    ]
    rq = draw(requantizes(y_bits, (1,), float(1 << 15), False))
    op = Recurrent(
        "cell", "y", "x", cell, draw(st.booleans()), steps, weight, recurrence, factors[0], draw(st.integers(0, 2)),
        factors[1], factors[2], factors[3], rq,
    )  # fmt: skip
    return Case(op, {"x": buffer("x", (steps, inputs), x_bits), "y": buffer("y", (steps, hidden), y_bits)})


row_operators = st.one_of(softmaxes(), layer_norms(), matmuls(), recurrences(), gathers())
