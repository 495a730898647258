"""Random operators of the integer program, as hypothesis strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st
from lower.operator_parts import Case, bits, buffer, limits, random_integers, requantizes, zero_point
from lower.row_operators import row_operators

from edgeq.program.ops import (
    Add,
    AveragePool,
    Conv2D,
    Copy,
    Dense,
    Fill,
    Interpolate,
    Lut,
    MaxPool,
    Mul,
    Op,
    Requantize,
    View,
)
from edgeq.program.program import Port, Program


@dataclass(frozen=True)
class Geometry:
    """A sliding window that meets the image at least partly."""

    x_shape: tuple[int, int, int]
    out: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]


@st.composite
def geometries(draw: st.DrawFn, may_pad: bool = True) -> Geometry:
    kernel, strides, dilations, pads, size, out = [], [], [], [], [], []
    for _ in range(2):
        k, s, d = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 2, 3]))
        reach = (k - 1) * d
        before, after = (draw(st.integers(0, reach)) for _ in range(2)) if may_pad else (0, 0)
        n = draw(st.integers(max(1, reach + 1 - before - after), 7))
        kernel.append(k), strides.append(s), dilations.append(d), pads.append((before, after)), size.append(n)
        out.append((n + before + after - reach - 1) // s + 1)
    (top, bottom), (left, right) = pads
    x_shape = (draw(st.integers(1, 2)), *size)
    return Geometry(x_shape, tuple(out), tuple(kernel), tuple(strides), tuple(dilations), (top, left, bottom, right))


@st.composite
def conv2d(draw: st.DrawFn) -> Case:
    g = draw(geometries())
    groups, per_group = draw(st.sampled_from([(1, 1), (1, 3), (1, 16), (2, 3), (3, 1), (8, 1), (12, 1)]))
    c, o = groups * per_group, groups * draw(st.integers(1, 3))
    x_bits, y_bits, w_bits = draw(bits), draw(bits), draw(st.sampled_from([8, 4, 2]))
    weight = random_integers(draw, (o, *g.kernel, per_group), w_bits)
    reach = (1 << (x_bits + w_bits - 2)) * np.sqrt(weight[0].size)
    op = Conv2D(
        "conv", "y", "x", (g.x_shape[0], *g.x_shape[1:], c), (g.x_shape[0], *g.out, o), weight, w_bits,
        random_integers(draw, (o,), 8).astype(np.int32) * 7, draw(zero_point(x_bits)),
        draw(requantizes(y_bits, (1, o), reach, draw(st.booleans()))), g.strides, g.dilations, g.pads, groups,
    )  # fmt: skip
    return Case(op, {"x": buffer("x", op.x_shape, x_bits), "y": buffer("y", op.y_shape, y_bits)})


@st.composite
def dense(draw: st.DrawFn) -> Case:
    rows, k, o = (draw(st.integers(1, n)) for n in (3, 40, 5))
    x_bits, y_bits, w_bits = draw(bits), draw(bits), draw(st.sampled_from([8, 4, 2]))
    rq = draw(requantizes(y_bits, (1, o), (1 << (x_bits + w_bits - 2)) * np.sqrt(k), draw(st.booleans())))
    bias = random_integers(draw, (o,), 8).astype(np.int32)
    op = Dense("dense", "y", "x", rows, random_integers(draw, (o, k), w_bits), w_bits, bias, rq)
    return Case(op, {"x": buffer("x", (rows, k), x_bits), "y": buffer("y", (rows, o), y_bits)})


@st.composite
def pools(draw: st.DrawFn) -> Case:
    g, c = draw(geometries()), draw(st.integers(1, 9))
    x_shape, y_shape = (*g.x_shape, c), (g.x_shape[0], *g.out, c)
    x_bits, y_bits = draw(bits), draw(bits)
    buffers = {"x": buffer("x", x_shape, x_bits), "y": buffer("y", y_shape, y_bits)}
    window = (g.strides, g.dilations, g.pads)
    if draw(st.booleans()):
        lo = draw(st.integers(*limits(x_bits)))
        hi = draw(st.integers(lo, limits(x_bits)[1]))
        buffers["y"] = buffer("y", y_shape, x_bits)
        return Case(MaxPool("max", "y", "x", x_shape, y_shape, g.kernel, lo, hi, *window), buffers)
    divisors = draw(st.integers(1, 3))
    rq = draw(requantizes(y_bits, (divisors,), float(1 << x_bits), draw(st.booleans())))
    counts = (random_integers(draw, g.out, 8) % divisors).astype(np.int32)
    zero = draw(zero_point(x_bits))
    rq = Requantize(rq.multiplier, rq.zero_point, rq.lo, rq.hi, rq.left, rq.right)
    return Case(AveragePool("average", "y", "x", x_shape, y_shape, g.kernel, zero, rq, counts, *window), buffers)


@st.composite
def views(draw: st.DrawFn, sizes: tuple[int, ...], may_repeat: bool) -> tuple[View, int]:
    """A view of the given sizes in any order of axes, some reversed or broadcast; and the elements it needs."""
    strides, step, offset = [0] * len(sizes), 1, draw(st.integers(0, 3)) if may_repeat else 0
    for axis in draw(st.permutations(range(len(sizes)))):
        form = draw(st.sampled_from(["forward", "forward", "reverse", "repeat"]))
        if form == "repeat" and may_repeat:
            continue
        strides[axis] = -step if form == "reverse" else step
        offset += step * (sizes[axis] - 1) if form == "reverse" else 0
        step *= sizes[axis]
    return View(sizes, tuple(strides), offset), step + (3 if may_repeat else 0)


sizes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def binary(draw: st.DrawFn) -> Case:
    shape = draw(sizes)
    (view1, n1), (view2, n2) = draw(views(shape, True)), draw(views(shape, True))
    x_bits, y_bits = draw(bits), draw(bits)
    buffers = {
        "x1": buffer("x1", (n1,), x_bits), "x2": buffer("x2", (n2,), x_bits), "y": buffer("y", shape, y_bits)
    }  # fmt: skip
    if draw(st.booleans()):
        m1, m2 = (draw(st.integers(-(2**13), 2**13)) for _ in range(2))
        lo = draw(st.integers(*limits(y_bits)))
        hi = draw(st.integers(lo, limits(y_bits)[1]))
        c, shift = draw(st.integers(-(2**20), 2**20)), draw(st.integers(0, 14))
        return Case(Add("add", "y", "x1", "x2", view1, view2, m1, m2, c, shift, lo, hi), buffers)
    rq = draw(requantizes(y_bits, (1,), float(1 << (2 * x_bits - 2)), False))
    zeros = draw(zero_point(x_bits)), draw(zero_point(x_bits))
    return Case(Mul("mul", "y", "x1", "x2", view1, view2, *zeros, rq), buffers)


@st.composite
def copies(draw: st.DrawFn) -> Case:
    shape = draw(sizes)
    (x_view, n), (y_view, m) = draw(views(shape, True)), draw(views(shape, False))
    x_bits, rq, zero = draw(bits), None, 0
    y_bits = x_bits
    if draw(st.booleans()):
        y_bits = draw(bits)
        rq, zero = draw(requantizes(y_bits, (1,), float(1 << x_bits), False)), draw(zero_point(x_bits))
    op = Copy("copy", "y", "x", x_view, y_view, zero, rq)
    return Case(op, {"x": buffer("x", (n,), x_bits), "y": buffer("y", (m,), y_bits)})


@st.composite
def tables(draw: st.DrawFn) -> Case:
    shape, x_bits, y_bits = draw(sizes), draw(st.sampled_from([8, 16])), draw(bits)
    if x_bits == 8:
        op: Op = Lut("lut", "y", "x", random_integers(draw, (256,), y_bits))
    else:
        nodes = random_integers(draw, (513,), 16).astype(np.int32) * draw(st.sampled_from([1, 128]))
        op = Interpolate("interpolate", "y", "x", nodes, 23 - y_bits, *limits(y_bits))
    return Case(op, {"x": buffer("x", shape, x_bits), "y": buffer("y", shape, y_bits)})


@st.composite
def fills(draw: st.DrawFn) -> Case:
    shape, width = draw(sizes), draw(bits)
    return Case(Fill("fill", "y", draw(st.integers(*limits(width)))), {"y": buffer("y", shape, width)})


operators = st.one_of(conv2d(), conv2d(), dense(), pools(), binary(), copies(), tables(), row_operators, fills())


def program_of(cases: Sequence[Case]) -> Program:
    """One program of independent operators: every buffer is a port."""
    buffers, ops, inputs, outputs = [], [], [], []
    for i, case in enumerate(cases):
        names = {name: f"{name}_{i}" for name in case.buffers}
        for name, b in case.buffers.items():
            buffers.append(replace(b, name=names[name]))
            if b.data is None:
                (outputs if name == "y" else inputs).append(Port(names[name], names[name], b.shape, 1.0, 0))
        ops += [_renamed(op, names) for op in (case.op, *case.more)]
    return Program("random", tuple(inputs), tuple(outputs), tuple(buffers), tuple(ops))


def _renamed(op: Op, names: dict[str, str]) -> Op:
    texts = {name: value for name, value in vars(op).items() if isinstance(value, str)}
    return replace(op, **{name: names[value] for name, value in texts.items() if value in names})


def random_inputs(program: Program, samples: int, seed: int) -> dict[str, np.ndarray]:
    """Inputs over the whole range of their widths, extremes included."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for port in program.inputs:
        b = program.buffer[port.buffer]
        low, high = limits(b.bits)
        array = rng.integers(low, high + 1, (samples, *b.shape)).astype(b.dtype)
        array[0], array[1] = low, high
        arrays[port.name] = array
    return arrays
