"""The executable specification of the arithmetic (docs/NUMERICS.md): what each operator does to integers, in NumPy.

Sums of products are taken by floating-point matrix multiplication where that is provably exact (every partial sum is
an integer below 2^24 in float32, below 2^53 in float64), because BLAS is fast and NumPy's integer product is not.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from edgeq.errors import VerificationError
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
    Op,
    Recurrent,
    Requantize,
    Softmax,
    View,
)
from edgeq.quant.fixed_point import INT32_LIMIT, multiply_high, rounding_shift_right
from edgeq.quant.normalization import normalized
from edgeq.quant.recurrent import gate_sums, gru_step, lstm_step
from edgeq.quant.tables import SOFTMAX_QUOTIENT_BITS, interpolate

# Below this many input channels, gathering all taps for one matrix product beats one product per tap.
SMALL_DEPTH = 16

Memory = dict[str, np.ndarray]


@singledispatch
def execute(op: Op, memory: Memory) -> None:
    """Runs one op: reads its operands from `memory` and writes into memory[op.y], all (samples, *shape)."""
    raise TypeError(f"no semantics for {type(op).__name__}")


def _store(memory: Memory, op: Op, value: np.ndarray) -> None:
    memory[op.y][...] = value.reshape(memory[op.y].shape)


def requantize(acc: np.ndarray, rq: Requantize, channel: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Requantizes accumulators whose last axis is the output channel (or broadcasts against `multiplier[channel]`).

    Raises:
        VerificationError: The (shifted) accumulator is not an int32.
    """
    a = rounding_shift_right(acc.astype(np.int64), rq.right) << rq.left
    if a.size and (a.max() >= INT32_LIMIT or a.min() < -INT32_LIMIT):
        raise VerificationError("accumulator overflows int32: the overflow proof of the compiler is wrong")
    m = rq.multiplier[channel]
    if rq.negative is not None:
        m = np.where(a < 0, rq.negative[channel], m)
    return (multiply_high(a, m) + rq.zero_point).clip(rq.lo, rq.hi)


def exact_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b for integer arrays (..., k) and (k, n), as int64."""
    bound = (1 << (8 * a.itemsize - 1)) * int(np.abs(b.astype(np.int64)).sum(axis=0).max(initial=0))
    dtype = np.float32 if bound <= 2**24 else np.float64
    return (a.astype(dtype) @ b.astype(dtype)).astype(np.int64)


@execute.register
def _conv2d(op: Conv2D, memory: Memory) -> None:
    _, ih, iw, c = op.x_shape
    top, left, bottom, right = op.pads
    x = memory[op.x].reshape(-1, ih, iw, c)
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=op.x_zero_point)
    _, kh, kw, inner = op.weight.shape
    taps = [_tap(x, ky, kx, op.strides, op.dilations, op.y_shape[1:3]) for ky in range(kh) for kx in range(kw)]
    weights = [op.weight[:, ky, kx] for ky in range(kh) for kx in range(kw)]
    if inner < SMALL_DEPTH and op.groups == 1:
        taps, weights = [np.concatenate(taps, axis=-1)], [np.concatenate(weights, axis=-1)]
    acc = sum(_tap_product(tap, weight, op.groups) for tap, weight in zip(taps, weights, strict=True))
    _store(memory, op, requantize(acc + op.bias, op.requantize))


def _tap(
    x: np.ndarray, ky: int, kx: int, strides: tuple[int, int], dilations: tuple[int, int], out: tuple[int, int]
) -> np.ndarray:
    """The padded input elements that meet kernel tap (ky, kx): (samples, oh, ow, c)."""
    y0, x0 = ky * dilations[0], kx * dilations[1]
    y1, x1 = y0 + (out[0] - 1) * strides[0] + 1, x0 + (out[1] - 1) * strides[1] + 1
    return x[:, y0 : y1 : strides[0], x0 : x1 : strides[1]]


def _tap_product(tap: np.ndarray, weight: np.ndarray, groups: int) -> np.ndarray:
    """(..., c) times (o, c / groups), group by group: (..., o), int64."""
    if weight.shape[1] == 1 and weight.shape[0] == groups:
        return np.multiply(tap, weight[:, 0], dtype=np.int32).astype(np.int64)
    parts = zip(np.split(tap, groups, axis=-1), np.split(weight, groups), strict=True)
    return np.concatenate([exact_matmul(t, w.T) for t, w in parts], axis=-1)


@execute.register
def _dense(op: Dense, memory: Memory) -> None:
    x = memory[op.x].reshape(-1, op.rows, op.weight.shape[1])
    acc = exact_matmul(x, op.weight.T) + op.bias
    _store(memory, op, requantize(acc, op.requantize))


@execute.register
def _average_pool(op: AveragePool, memory: Memory) -> None:
    _, ih, iw, c = op.x_shape
    x = memory[op.x].reshape(-1, ih, iw, c).astype(np.int64) - op.x_zero_point
    acc = np.sum(_window_taps(np.pad(x, _spatial(op.pads)), op), axis=0)
    _store(memory, op, requantize(acc, op.requantize, op.counts[None, :, :, None]))


@execute.register
def _max_pool(op: MaxPool, memory: Memory) -> None:
    _, ih, iw, c = op.x_shape
    x = memory[op.x].reshape(-1, ih, iw, c)
    lowest = np.iinfo(x.dtype).min
    taps = list(_window_taps(np.pad(x, _spatial(op.pads), constant_values=lowest), op))
    _store(memory, op, np.maximum.reduce(taps).clip(op.lo, op.hi))


def _spatial(pads: tuple[int, int, int, int]) -> tuple[tuple[int, int], ...]:
    return ((0, 0), (pads[0], pads[2]), (pads[1], pads[3]), (0, 0))


def _window_taps(x: np.ndarray, op: AveragePool | MaxPool) -> list[np.ndarray]:
    out = op.y_shape[1:3]
    kh, kw = op.kernel
    return [_tap(x, ky, kx, op.strides, op.dilations, out) for ky in range(kh) for kx in range(kw)]


def view_array(array: np.ndarray, view: View) -> np.ndarray:
    """The elements of (samples, *shape) that a view names, (samples, *view.sizes); shares memory."""
    flat = array.reshape(len(array), -1)
    step = flat.itemsize
    strides = (flat.strides[0], *(s * step for s in view.strides))
    return np.lib.stride_tricks.as_strided(flat[:, view.offset :], (len(flat), *view.sizes), strides)


@execute.register
def _add(op: Add, memory: Memory) -> None:
    x1 = view_array(memory[op.x1], op.view1).astype(np.int64)
    x2 = view_array(memory[op.x2], op.view2).astype(np.int64)
    acc = x1 * op.m1 + x2 * op.m2 + op.c
    if acc.size and np.abs(acc).max() >= INT32_LIMIT:
        raise VerificationError("addition overflows int32: the overflow proof of the compiler is wrong")
    _store(memory, op, (acc >> op.shift).clip(op.lo, op.hi))


@execute.register
def _mul(op: Mul, memory: Memory) -> None:
    x1 = view_array(memory[op.x1], op.view1).astype(np.int64) - op.x1_zero_point
    x2 = view_array(memory[op.x2], op.view2).astype(np.int64) - op.x2_zero_point
    _store(memory, op, requantize(x1 * x2, op.requantize))


@execute.register
def _lut(op: Lut, memory: Memory) -> None:
    _store(memory, op, op.table[memory[op.x].astype(np.int64) + 128])


@execute.register
def _interpolate(op: Interpolate, memory: Memory) -> None:
    _store(memory, op, interpolate(memory[op.x], op.table, op.shift).clip(op.lo, op.hi))


@execute.register
def _softmax(op: Softmax, memory: Memory) -> None:
    x = memory[op.x].reshape(-1, op.rows, op.n).astype(np.int64)
    e = op.table[x.max(axis=-1, keepdims=True) - x].astype(np.int64)
    total = e.sum(axis=-1, keepdims=True)
    quotient = ((e << SOFTMAX_QUOTIENT_BITS) + (total >> 1)) // total
    _store(memory, op, requantize(quotient, op.requantize))


@execute.register
def _layer_norm(op: LayerNorm, memory: Memory) -> None:
    t = normalized(memory[op.x].reshape(-1, op.rows, op.n), op.fraction, op.epsilon)
    y = (multiply_high(t, op.multiplier) + op.bias) >> op.shift
    _store(memory, op, y.clip(op.lo, op.hi))


@execute.register
def _matmul(op: MatMul, memory: Memory) -> None:
    x1 = memory[op.x1].reshape(-1, op.batch, op.m, op.k).astype(np.float64) - op.x1_zero_point
    x2 = memory[op.x2].reshape(-1, op.batch, op.n, op.k).astype(np.float64) - op.x2_zero_point
    acc = (x1 @ x2.swapaxes(-1, -2)).astype(np.int64)  # exact: sums stay below 2^53
    _store(memory, op, requantize(acc, op.requantize))


@execute.register
def _copy(op: Copy, memory: Memory) -> None:
    x = view_array(memory[op.x], op.x_view)
    if op.requantize is not None:
        x = requantize(x.astype(np.int64) - op.x_zero_point, op.requantize)
    view_array(memory[op.y], op.y_view)[...] = x


@execute.register
def _fill(op: Fill, memory: Memory) -> None:
    memory[op.y][...] = op.value


@execute.register
def _gather(op: Gather, memory: Memory) -> None:
    _store(memory, op, op.table[memory[op.x].clip(0, len(op.table) - 1)])


@execute.register
def _recurrent(op: Recurrent, memory: Memory) -> None:
    x = memory[op.x].reshape(-1, op.steps, op.weight.shape[1])
    inputs = gate_sums(exact_matmul(x, op.weight.T), op.multiplier, op.left) + op.bias
    h = c = np.zeros((len(x), op.hidden), np.int64)
    y = np.empty((len(x), op.steps, op.hidden), np.int64)
    for step in range(op.steps)[:: -1 if op.reverse else 1]:
        acc = exact_matmul(h.astype(np.int16), op.recurrence.T)
        recurrent = gate_sums(acc, op.recurrence_multiplier)
        if op.cell == "lstm":
            h, c = lstm_step(inputs[:, step] + recurrent, c)
        else:
            h = gru_step(inputs[:, step], recurrent, op.hidden_bias, h)
        y[:, step] = requantize(h, op.requantize)
    _store(memory, op, y)
