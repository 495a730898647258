"""What values each channel of each buffer can take, whatever the input is: interval arithmetic over the program.

Sums of products are bounded by their positive and negative weights apart, so a channel whose accumulator stays beyond
a clamp for every input is found to be constant. Bounds are safe, not tight: operands count as independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from edgeq.program.ops import Add, AveragePool, Conv2D, Copy, Dense, Fill, Lut, MaxPool, Mul, Op, Requantize, Softmax
from edgeq.program.program import Buffer, Program
from edgeq.program.rewrites.channels import channel_combinations, channel_count
from edgeq.program.rewrites.windows import touches_padding, valid_taps
from edgeq.program.semantics import requantize

NEVER = 1 << 20  # The least value of a channel that nothing has written yet.


class Bounds(NamedTuple):
    """Least and greatest value, inclusive: int64, one per channel."""

    lo: np.ndarray
    hi: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """Which channels have one value only."""
        return self.lo == self.hi

    def spread(self, channels: int) -> Bounds:
        """The bounds for an operator that sees this buffer with another number of channels."""
        if len(self.lo) == channels:
            return self
        return Bounds(np.full(channels, self.lo.min()), np.full(channels, self.hi.max()))

    def join(self, other: Bounds) -> Bounds:
        """What holds for values of either."""
        return Bounds(np.minimum(self.lo, other.lo), np.maximum(self.hi, other.hi))


Known = Mapping[str, Bounds]


def channel_bounds(program: Program) -> dict[str, Bounds]:
    """Bounds of every buffer, for all inputs of the program's types."""
    known = {port.buffer: _any(program.buffer[port.buffer]) for port in program.inputs}
    known |= {b.name: _of_constant(b.data) for b in program.buffers if b.data is not None}
    for op in program.ops:
        channels = channel_count(program.buffer[op.y])
        found = bound(op, known, program).spread(channels)
        known[op.y] = known[op.y].join(found) if op.y in known else found
    return known


def _any(buffer: Buffer) -> Bounds:
    half, channels = 1 << (buffer.bits - 1), channel_count(buffer)
    return Bounds(np.full(channels, -half), np.full(channels, half - 1))


def _of_constant(data: np.ndarray) -> Bounds:
    rows = data.astype(np.int64).reshape(-1, data.shape[-1] if data.shape else 1)
    return Bounds(rows.min(axis=0), rows.max(axis=0))


@singledispatch
def bound(op: Op, known: Known, program: Program) -> Bounds:
    """Bounds of what `op` writes, per channel as the operator sees them; of operators not known here, anything."""
    return _any(program.buffer[op.y])


@bound.register
def _conv2d(op: Conv2D, known: Known, program: Program) -> Bounds:
    x = known[op.x].spread(op.x_shape[3])
    if touches_padding(op):
        x = x.join(Bounds(*(np.array([op.x_zero_point]),) * 2))
    outputs, *_, depth = op.weight.shape
    by_group = (np.repeat(side.reshape(op.groups, depth), outputs // op.groups, axis=0) for side in x)
    return _products(op.weight.reshape(outputs, -1, depth), Bounds(*by_group), op.bias, op.requantize)


@bound.register
def _dense(op: Dense, known: Known, program: Program) -> Bounds:
    outputs, k = op.weight.shape
    x, channels = known[op.x], len(known[op.x].lo)
    x = Bounds(*(np.tile(side, k // channels) for side in x)) if k % channels == 0 else x.spread(k)
    return _products(op.weight.reshape(outputs, 1, k), x, op.bias, op.requantize)


def _products(weight: np.ndarray, x: Bounds, bias: np.ndarray, rq: Requantize) -> Bounds:
    """Of requantized sums over the taps and depth of weights (outputs, taps, depth); x is (outputs, depth) or less."""
    wide = weight.astype(np.int64)
    positive, negative = np.maximum(wide, 0).sum(axis=1), np.minimum(wide, 0).sum(axis=1)
    lo = bias + (positive * x.lo + negative * x.hi).sum(axis=1)
    hi = bias + (positive * x.hi + negative * x.lo).sum(axis=1)
    return _requantized(Bounds(lo, hi), rq)


def _requantized(acc: Bounds, rq: Requantize, channel: np.ndarray | slice = slice(None)) -> Bounds:
    """Requantization is monotonous on either side of zero: its extremes lie at the ends of those pieces."""
    half = (1 << rq.right) >> 1
    points = [*acc, *(np.clip(at, *acc) for at in (-half - 1, -half))]
    return _hull(requantize(point, rq, channel) for point in points)


def _hull(values: Iterable[np.ndarray]) -> Bounds:
    stacked = np.stack(list(values))
    return Bounds(stacked.min(axis=0), stacked.max(axis=0))


@bound.register
def _average_pool(op: AveragePool, known: Known, program: Program) -> Bounds:
    x = known[op.x].spread(op.x_shape[3])
    positions = np.unique(np.stack([valid_taps(op).ravel(), op.counts.ravel()], axis=1), axis=0)
    taps, divisor = positions[:, :1], positions[:, 1:]
    sums = Bounds(*(taps * (side - op.x_zero_point) for side in x))
    y = _requantized(sums, op.requantize, divisor)
    return Bounds(y.lo.min(axis=0), y.hi.max(axis=0))


@bound.register
def _max_pool(op: MaxPool, known: Known, program: Program) -> Bounds:
    x = known[op.x].spread(op.x_shape[3])
    lowest = np.full_like(x.lo, op.lo) if valid_taps(op).min() == 0 else x.lo
    return Bounds(lowest.clip(op.lo, op.hi), x.hi.clip(op.lo, op.hi))


@bound.register
def _lut(op: Lut, known: Known, program: Program) -> Bounds:
    x = known[op.x].spread(channel_count(program.buffer[op.y]))
    pieces = [op.table[lo + 128 : hi + 129] for lo, hi in zip(*x, strict=True)]
    lows, highs = ([int(extreme(piece)) for piece in pieces] for extreme in (np.min, np.max))
    return Bounds(np.array(lows), np.array(highs))


@bound.register
def _softmax(op: Softmax, known: Known, program: Program) -> Bounds:
    return Bounds(np.array([op.requantize.lo]), np.array([op.requantize.hi]))


@bound.register
def _fill(op: Fill, known: Known, program: Program) -> Bounds:
    return Bounds(np.array([op.value]), np.array([op.value]))


@bound.register
def _add(op: Add, known: Known, program: Program) -> Bounds:
    y, c1, c2 = channel_combinations(op, program).T
    first = _hull(side[c1] * op.m1 for side in known[op.x1])
    second = _hull(side[c2] * op.m2 for side in known[op.x2])
    sums = (((a + b + op.c) >> op.shift).clip(op.lo, op.hi) for a, b in zip(first, second, strict=True))
    return _by_channel(y, Bounds(*sums), program.buffer[op.y])


@bound.register
def _mul(op: Mul, known: Known, program: Program) -> Bounds:
    y, c1, c2 = channel_combinations(op, program).T
    first = [side[c1] - op.x1_zero_point for side in known[op.x1]]
    second = [side[c2] - op.x2_zero_point for side in known[op.x2]]
    products = _hull(a * b for a in first for b in second)
    return _by_channel(y, _requantized(products, op.requantize), program.buffer[op.y])


@bound.register
def _copy(op: Copy, known: Known, program: Program) -> Bounds:
    y, c = channel_combinations(op, program).T
    moved = Bounds(*(side[c] for side in known[op.x]))
    if op.requantize is not None:
        moved = _requantized(Bounds(*(side - op.x_zero_point for side in moved)), op.requantize)
    return _by_channel(y, moved, program.buffer[op.y])


def _by_channel(channel: np.ndarray, found: Bounds, buffer: Buffer) -> Bounds:
    """Gathers the bounds of combinations by the channel that they write; channels that none writes stay empty."""
    lo = np.full(channel_count(buffer), NEVER)
    hi = -lo
    np.minimum.at(lo, channel, found.lo)
    np.maximum.at(hi, channel, found.hi)
    return Bounds(lo, hi)
