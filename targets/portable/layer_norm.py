"""Normalization of rows, in integers of 32 bits and one sum of 64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.quant.fixed_point import MULTIPLIER_LIMIT
from edgeq.quant.normalization import DOUBLINGS, HALVINGS, MANTISSA_HIGH, MANTISSA_LOW, NEWTON_STEPS
from edgeq.targets.portable.fixed_point import MultiplyHigh, bind, clamp, int32, int64, multiply_high

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.program.ops import LayerNorm
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def layer_norm(op: LayerNorm, program: Program, target: Target) -> Generated:
    """Row by row: the sum, the sum of squares, its inverse root by Newton's iteration, then every element.

    No step divides, and products have 32 bits (or the target's long form): nothing calls a library.
    """
    rows, n, shift, fraction, epsilon = op.rows, op.n, op.shift, op.fraction, op.epsilon
    x_dtype, y_dtype = program.buffer[op.x].dtype, program.buffer[op.y].dtype
    multiply = multiply_high(target)
    square = _product_of_halves if x_dtype == "int16" else _product
    lo, hi, inverse_root = op.lo, op.hi, _inverse_root(multiply)

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle(x_dtype), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((rows * n,), x_dtype, data=x_ptr)
        table = T.decl_buffer((2 * n,), "int32", data=table_ptr)
        y = T.decl_buffer((rows * n,), y_dtype, data=y_ptr)
        total = T.alloc_buffer((1,), "int32", scope="local")
        spread = T.alloc_buffer((1,), "int64", scope="local")
        exponent = T.alloc_buffer((1,), "int32", scope="local")
        root = T.alloc_buffer((1,), "int32", scope="local")
        for row in T.serial(rows):
            total[0] = 0
            for i in T.serial(n):
                total[0] += int32(x[row * n + i])
            spread[0] = T.int64(0)
            for i in T.serial(n):
                value: T.let[T.int32] = int32(x[row * n + i])
                spread[0] += square(value * n - total[0], value)
            spread[0] = spread[0] * T.int64(4**fraction) + T.int64(epsilon)
            exponent[0] = -fraction
            inverse_root(spread, exponent, root)
            left: T.let[T.int32] = T.shift_left(1, T.max(3 - exponent[0], 0))
            right: T.let[T.int32] = T.max(exponent[0] - 3, 0)
            half: T.let[T.int32] = T.shift_right(T.shift_left(1, right), 1)
            for i in T.serial(n):
                distance: T.let[T.int32] = int32(x[row * n + i]) * n - total[0]
                t: T.let[T.int32] = multiply(T.shift_right(distance * left + half, right), root[0])
                y[row * n + i] = clamp(T.shift_right(multiply(t, table[i]) + table[n + i], shift), lo, hi, y_dtype)

    table = Table(np.concatenate([op.multiplier, op.bias]), "constants")
    return Generated(kernel, (Reads(op.x), table, Writes(op.y)))


def _inverse_root(multiply: MultiplyHigh) -> Any:
    """The steps that find 2^29 / sqrt(mantissa / 2^30) of a spread, and the exponent of its mantissa."""

    @T.inline
    def steps(spread, exponent, root):
        for _step in T.serial(HALVINGS):
            if spread[0] >= T.int64(MANTISSA_HIGH):
                spread[0] = T.shift_right(spread[0], T.int64(2))
                exponent[0] += 1
        for _step in T.serial(DOUBLINGS):
            if spread[0] < T.int64(MANTISSA_LOW):
                spread[0] = spread[0] * T.int64(4)
                exponent[0] -= 1
        mantissa: T.let[T.int32] = int32(spread[0])
        root[0] = 9 * (1 << 27) - T.shift_right(mantissa, 5) * 21
        for _step in T.serial(NEWTON_STEPS):
            squared: T.let[T.int32] = multiply(root[0], root[0])
            gap: T.let[T.int32] = 3 * (1 << 28) - multiply(squared * 2, mantissa) * 2
            root[0] = T.min(multiply(root[0], gap) * 4, MULTIPLIER_LIMIT - 1)

    return steps


def _product(distance: Expr, value: Expr) -> Expr:
    """Their product: below 2^31, as |value| <= 2^7 and |distance| < 2^22."""
    return int64(distance * value)


def _product_of_halves(distance: Expr, value: Expr) -> Expr:
    """The 64-bit product with a 16-bit value out of two of 32 bits."""
    d = bind("d", distance)
    return int64(T.shift_right(d, 16) * value) * T.int64(1 << 16) + int64(T.bitwise_and(d, 0xFFFF) * value)
