"""The interpreter against arithmetic written out element by element in Python integers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program.programs import program
from program.programs import requantize as settings_of

from edgeq.errors import VerificationError
from edgeq.program.interpreter import interpret
from edgeq.program.ops import AveragePool, Conv2D, Lut, MaxPool, Requantize, Softmax
from edgeq.program.semantics import execute, requantize
from edgeq.quant.tables import softmax_table


def scale_down(acc: int, rq: Requantize, channel: int) -> int:
    """The requantization of docs/NUMERICS.md, in Python integers."""
    a = (acc + (1 << rq.right >> 1)) >> rq.right << rq.left
    m = int(rq.multiplier[channel % len(rq.multiplier)])
    if rq.negative is not None and a < 0:
        m = int(rq.negative[channel % len(rq.negative)])
    return min(max(rq.zero_point + ((a * m + (1 << 30)) >> 31), rq.lo), rq.hi)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Conv2D, np.ndarray]:
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    c, o = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 2))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    strides = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    dilations = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    pads = draw(st.tuples(*[st.integers(0, 2)] * 4))
    size = [draw(st.integers(5, 7)), draw(st.integers(5, 7))]
    out = [(size[a] + pads[a] + pads[2 + a] - dilations[a] * (kernel[a] - 1) - 1) // strides[a] + 1 for a in range(2)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    negative = rng.integers(-(1 << 24), 1 << 24, o).astype(np.int32) if draw(st.booleans()) else None
    rq = Requantize(
        rng.integers(1 << 20, 1 << 24, o).astype(np.int32), 3, -100, 120, draw(st.integers(0, 1)), 0, negative
    )
    op = Conv2D(
        "conv",
        "y",
        "x",
        (1, size[0], size[1], c),
        (1, out[0], out[1], o),
        rng.integers(-128, 128, (o, *kernel, c // groups)).astype(np.int8),
        8,
        rng.integers(-5000, 5000, o).astype(np.int32),
        draw(st.integers(-128, 127)),
        rq,
        strides,
        dilations,
        pads,
        groups,
    )
    return op, rng.integers(-128, 128, (2, *op.x_shape)).astype(np.int8)


def convolve(op: Conv2D, x: np.ndarray) -> np.ndarray:
    """One sample, (1, ih, iw, c), in nested loops."""
    y = np.zeros(op.y_shape, np.int8)
    _, oh, ow, o = op.y_shape
    depth = op.weight.shape[3]
    for oy, ox, oc in product(range(oh), range(ow), range(o)):
        first = oc // (o // op.groups) * depth
        acc = int(op.bias[oc])
        for ky, kx, ic in product(*map(range, op.weight.shape[1:])):
            iy = oy * op.strides[0] + ky * op.dilations[0] - op.pads[0]
            ix = ox * op.strides[1] + kx * op.dilations[1] - op.pads[1]
            inside = 0 <= iy < x.shape[1] and 0 <= ix < x.shape[2]
            value = int(x[0, iy, ix, first + ic]) if inside else op.x_zero_point
            acc += value * int(op.weight[oc, ky, kx, ic])
        y[0, oy, ox, oc] = scale_down(acc, op.requantize, oc)
    return y


@settings(max_examples=40, deadline=None)
@given(convolutions())
def test_convolution_is_its_nested_loops(case: tuple[Conv2D, np.ndarray]) -> None:
    op, x = case
    memory = {"x": x, "y": np.zeros((len(x), *op.y_shape), np.int8)}
    execute(op, memory)
    assert (memory["y"] == np.stack([convolve(op, sample) for sample in x])).all()


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**30) + 1, 2**30 - 1))
def test_requantize_is_its_formula(acc: int, m: int) -> None:
    rq = Requantize(np.array([m], np.int32), -7, -128, 127)
    assert int(requantize(np.array([acc]), rq)[0]) == scale_down(acc, rq, 0)


def test_an_accumulator_outside_int32_is_an_error_not_a_wrap() -> None:
    with pytest.raises(VerificationError, match="overflows int32"):
        requantize(np.array([2**31]), settings_of())


def test_pooling_leaves_padding_out() -> None:
    x = np.array([[[[-100], [10]], [[20], [30]]]], np.int8)[None]
    shape = {"x_shape": (1, 2, 2, 1), "y_shape": (1, 2, 2, 1), "kernel": (2, 2), "pads": (0, 0, 1, 1)}
    memory = {"x": x, "y": np.zeros((1, 1, 2, 2, 1), np.int8)}
    execute(MaxPool("max", "y", "x", lo=-128, hi=127, **shape), memory)
    assert memory["y"].ravel().tolist() == [30, 30, 30, 30]
    counts = np.array([[0, 1], [1, 2]], np.int32)
    means = Requantize(np.array([2**28, 2**29, 2**30 - 1], np.int32), 0, -128, 127, left=1)
    execute(AveragePool("mean", "y", "x", x_zero_point=0, requantize=means, counts=counts, **shape), memory)
    assert memory["y"].ravel().tolist() == [-10, 20, 25, 30]


@given(st.lists(st.integers(-128, 127), min_size=2, max_size=50), st.floats(0.01, 1.0))
def test_softmax_is_within_one_step_of_float64(values: list[int], scale: float) -> None:
    x = np.array(values, np.int8)
    rq = Requantize(np.array([1 << 25], np.int32), -128, -128, 127)
    op = Softmax("softmax", "y", "x", 1, len(values), softmax_table(scale), rq)
    memory = {"x": x[None, None], "y": np.zeros((1, 1, len(values)), np.int8)}
    execute(op, memory)
    e = np.exp(scale * (x.astype(np.float64) - x.max()))
    expected = (e / e.sum() * 256 - 128).clip(-128, 127)
    assert np.abs(memory["y"].ravel() - expected).max() <= 1


def test_batches_do_not_change_the_result() -> None:
    table = np.arange(-128, 128)[::-1].astype(np.int8)
    net = program([Lut("flip", "y", "x", table)], {"x": (3,), "y": (3,)}, ["x"], ["y"])
    x = np.arange(-30, 30, dtype=np.int8).reshape(20, 3)
    results = [interpret(net, {"x": x}, batch=size)["y"] for size in (1, 7, 64)]
    assert all((r == -1 - x).all() for r in results)
