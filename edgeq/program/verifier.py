"""Checks an integer program at the door: what holds here, no kernel has to check again."""

from __future__ import annotations

import numpy as np

from edgeq.errors import VerificationError
from edgeq.program.ops import (
    Add,
    AveragePool,
    Conv2D,
    Copy,
    Dense,
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
from edgeq.program.program import Buffer, Program
from edgeq.quant.fixed_point import INT32_LIMIT, MULTIPLIER_LIMIT
from edgeq.quant.normalization import GUARD, ROW_LIMIT, SPREAD_LIMIT, spread_fraction
from edgeq.quant.recurrent import GATES, SUM_LIMIT
from edgeq.quant.tables import INTERPOLATION_LIMIT


def verify_program(program: Program) -> None:
    """Checks that buffers are written before they are read, that no access leaves its buffer, that arrays have their
    stated types and ranges, and that no accumulator can leave int32.

    Raises:
        VerificationError: Names the op and what is wrong with it.
    """
    written = {p.buffer for p in program.inputs} | {b.name for b in program.buffers if b.data is not None}
    _require(len(program.buffer) == len(program.buffers), None, "two buffers have the same name")
    for buffer in program.buffers:
        _verify_part(program, buffer)
    constants = {b.name for b in program.buffers if b.data is not None}
    for op in program.ops:
        for name in op.reads:
            known = name in program.buffer and program.memory(name) in written
            _require(known, op, f"reads {name}, which nothing has written")
        _require(op.y in program.buffer and op.y not in constants, op, f"writes {op.y}, which is not writable")
        written.add(program.memory(op.y))
        _verify_op(op, program.buffer)
    for port in program.outputs:
        _require(port.buffer in written, None, f"output {port.name!r} is never written")


def _require(condition: bool, op: Op | None, message: str) -> None:
    if not condition:
        raise VerificationError(f"integer program: {message}", node=None if op is None else op.name)


def _verify_part(program: Program, part: Buffer) -> None:
    """A part lies within a buffer that has memory of its own, in the arena or with the caller."""
    if part.base is None:
        return
    base = program.buffer.get(part.base)
    fits = base is not None and base.base is None and base.data is None and base.bits == part.bits
    inside = fits and 0 <= part.offset <= program.buffer[part.base].size - part.size
    own = part.name not in {port.buffer for port in program.inputs + program.outputs}
    _require(inside and own and part.data is None, None, f"{part.name} is no part of {part.base}")


def _verify_op(op: Op, buffers: dict[str, Buffer]) -> None:
    y = buffers[op.y]
    match op:
        case Conv2D():
            _verify_size(op, buffers[op.x], op.x_shape)
            _verify_size(op, y, op.y_shape)
            _verify_weights(op, op.weight, op.weight_bits, op.bias, buffers[op.x].bits, op.requantize)
        case Dense():
            _verify_size(op, buffers[op.x], (op.rows, op.weight.shape[1]))
            _verify_size(op, y, (op.rows, op.weight.shape[0]))
            _verify_weights(op, op.weight, op.weight_bits, op.bias, buffers[op.x].bits, op.requantize)
        case AveragePool() | MaxPool():
            _verify_size(op, buffers[op.x], op.x_shape)
            _verify_size(op, y, op.y_shape)
        case Add() | Mul():
            _verify_view(op, buffers[op.x1], op.view1)
            _verify_view(op, buffers[op.x2], op.view2)
            _verify_size(op, y, op.view1.sizes)
            _require(op.view1.sizes == op.view2.sizes, op, "operands have different sizes")
        case Copy():
            _verify_view(op, buffers[op.x], op.x_view)
            _verify_view(op, y, op.y_view)
            _require(op.x_view.sizes == op.y_view.sizes, op, "source and destination have different sizes")
        case Lut():
            _require(op.table.shape == (256,) and op.table.dtype == y.dtype, op, "table does not fit")
            _verify_size(op, buffers[op.x], y.shape)
        case Interpolate():
            _require(op.table.shape == (513,) and op.table.dtype == np.int32, op, "table does not fit")
            _require(bool((np.abs(op.table) <= INTERPOLATION_LIMIT).all()), op, "interpolation may overflow int32")
            _verify_size(op, buffers[op.x], y.shape)
        case Gather():
            _require(op.table.ndim == 2 and op.table.size > 0 and op.table.dtype == y.dtype, op, "table does not fit")
            _verify_size(op, y, (buffers[op.x].size, op.table.shape[1]))
        case Softmax() | LayerNorm():
            _verify_size(op, buffers[op.x], (op.rows, op.n))
            _verify_size(op, y, (op.rows, op.n))
            if isinstance(op, LayerNorm):
                _verify_layer_norm(op, buffers[op.x].bits)
        case Recurrent():
            _verify_recurrent(op, buffers[op.x], y)
        case MatMul():
            _verify_matmul(op, buffers[op.x1], buffers[op.x2], y)
    requantize = getattr(op, "requantize", None)
    if requantize is not None:
        _verify_requantize(op, requantize, y)


def _verify_size(op: Op, buffer: Buffer, shape: tuple[int, ...]) -> None:
    _require(int(np.prod(shape)) == buffer.size, op, f"{buffer.name} has {buffer.size} elements, not those of {shape}")


def _verify_view(op: Op, buffer: Buffer, view: View) -> None:
    reach = [(size - 1) * stride for size, stride in zip(view.sizes, view.strides, strict=True)]
    low = view.offset + sum(r for r in reach if r < 0)
    high = view.offset + sum(r for r in reach if r > 0)
    _require(low >= 0 and high < buffer.size, op, f"a view of {buffer.name} leaves it ({low}..{high})")


def _verify_weights(
    op: Op, weight: np.ndarray, bits: int, bias: np.ndarray, x_bits: int, requantize: Requantize
) -> None:
    limit = 1 << (bits - 1)
    _require(weight.dtype == np.int8 and weight.min() >= -limit and weight.max() < limit, op, "weights out of range")
    _require(bias.dtype == np.int32 and bias.shape == weight.shape[:1], op, "bias has the wrong form")
    sums = np.abs(weight.astype(np.int64)).reshape(len(weight), -1).sum(axis=1)
    bound = int((sums * (1 << (x_bits - 1)) + np.abs(bias.astype(np.int64))).max())
    _require(((bound >> requantize.right) + 1) << requantize.left <= INT32_LIMIT, op, "accumulator may overflow int32")


def _verify_layer_norm(op: LayerNorm, x_bits: int) -> None:
    _require(op.n < ROW_LIMIT and 0 <= op.fraction <= spread_fraction(op.n, x_bits), op, "the spread overflows")
    _require(0 <= op.epsilon <= SPREAD_LIMIT and 0 <= op.shift <= GUARD, op, "epsilon or shift out of range")
    for array in (op.multiplier, op.bias):
        fits = array.dtype == np.int32 and array.shape == (op.n,)
        _require(fits and bool((np.abs(array.astype(np.int64)) < MULTIPLIER_LIMIT).all()), op, "factors out of range")


def _verify_recurrent(op: Recurrent, x: Buffer, y: Buffer) -> None:
    rows, inputs = op.weight.shape
    _verify_size(op, x, (op.steps, inputs))
    _verify_size(op, y, (op.steps, op.hidden))
    _require(op.recurrence.shape == (GATES[op.cell] * op.hidden, op.hidden) and rows == len(op.recurrence), op, "gates")
    for array in (op.weight, op.recurrence):
        _require(array.dtype == np.int8, op, "weights out of range")
    for array in (op.multiplier, op.recurrence_multiplier, op.bias):
        _require(array.dtype == np.int32 and array.shape == (rows,), op, "factors out of range")
    reach = np.abs(op.weight.astype(np.int64)).sum(axis=1).max() << (x.bits - 1 + op.left)
    _require(int(reach) <= INT32_LIMIT and op.hidden < SUM_LIMIT, op, "sums may overflow int32")


def _verify_matmul(op: MatMul, x1: Buffer, x2: Buffer, y: Buffer) -> None:
    _verify_size(op, x1, (op.batch, op.m, op.k))
    _verify_size(op, x2, (op.batch, op.n, op.k))
    _verify_size(op, y, (op.batch, op.m, op.n))
    reach = [(1 << (x.bits - 1)) + abs(zero) for x, zero in ((x1, op.x1_zero_point), (x2, op.x2_zero_point))]
    bound = op.k * reach[0] * reach[1]
    _require(((bound >> op.requantize.right) + 1) << op.requantize.left <= INT32_LIMIT, op, "sums may overflow int32")


def _verify_requantize(op: Op, rq: Requantize, y: Buffer) -> None:
    low, high = -(1 << (y.bits - 1)), (1 << (y.bits - 1)) - 1
    _require(low <= rq.lo <= rq.hi <= high, op, f"clamp {rq.lo}..{rq.hi} leaves {y.bits} bits")
    for m in (rq.multiplier, rq.negative):
        if m is not None:
            fits = m.dtype == np.int32 and bool((np.abs(m.astype(np.int64)) < MULTIPLIER_LIMIT).all())
            _require(fits, op, "a multiplier leaves 30 bits")
