"""LSTM and GRU over a whole sequence, in integers of 32 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Operand, Reads, Scratch, Table, Writes
from edgeq.quant.recurrent import PRODUCT_SHIFT, TABLE_SHIFT, sigmoid_table, tanh_table
from edgeq.quant.tables import SEGMENT_BITS
from edgeq.targets.portable.fixed_point import MultiplyHigh, Requantizer, bind, clamp, int32, multiply_high

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Recurrent
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

LIMIT = 1 << 15
NODES = 513


def recurrent(op: Recurrent, program: Program, target: Target) -> Generated:
    """Step by step: the sums of all gates, then the states.

    Working memory is int16: h, c and four sums per unit. A GRU has no c; its fourth sum is R h of the candidate.
    """
    steps, hidden, inputs, rows = op.steps, op.hidden, op.weight.shape[1], len(op.weight)
    x_dtype, y_dtype = program.buffer[op.x].dtype, program.buffer[op.y].dtype
    form = Requantizer(op.requantize, target, y_dtype)
    joined = rows if op.cell == "lstm" else 2 * hidden
    sums = _sums(op, multiply_high(target), joined)
    update = _lstm(hidden) if op.cell == "lstm" else _gru(hidden)
    last, way = (steps - 1, -1) if op.reverse else (0, 1)

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle(x_dtype),
        weight_ptr: T.handle("int8"),
        factor_ptr: T.handle("int32"),
        node_ptr: T.handle("int32"),
        state_ptr: T.handle("int16"),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": True})
        x = T.decl_buffer((steps * inputs,), x_dtype, data=x_ptr)
        weight = T.decl_buffer((rows * (inputs + hidden),), "int8", data=weight_ptr)
        factor = T.decl_buffer((3 * rows + hidden,), "int32", data=factor_ptr)
        node = T.decl_buffer((2 * NODES,), "int32", data=node_ptr)
        state = T.decl_buffer((6 * hidden,), "int16", data=state_ptr)
        y = T.decl_buffer((steps * hidden,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((2,), "int32", scope="local")
        for i in T.serial(2 * hidden):
            state[i] = T.int16(0)
        for t in T.serial(steps):
            step: T.let[T.int32] = last + t * way
            for row in T.serial(rows):
                acc[0] = 0
                acc[1] = 0
                for k in T.serial(inputs):
                    acc[0] += int32(weight[row * inputs + k]) * int32(x[step * inputs + k])
                for k in T.serial(hidden):
                    acc[1] += int32(weight[rows * inputs + row * hidden + k]) * int32(state[k])
                sums(row, acc, factor, state)
            for j in T.serial(hidden):
                update(j, node, state)
                y[step * hidden + j] = form.scalar(int32(state[j]))

    return Generated(kernel, _operands(op))


def _operands(op: Recurrent) -> tuple[Operand, ...]:
    """Input, weights, factors of gates, nodes of both functions, working memory, output."""
    factors = np.concatenate([op.multiplier, op.recurrence_multiplier, op.bias, op.hidden_bias])
    return (
        Reads(op.x),
        Table(np.concatenate([op.weight.ravel(), op.recurrence.ravel()]), "weights"),
        Table(factors, "constants"),
        Table(np.concatenate([sigmoid_table(), tanh_table()]), "constants"),
        Scratch("int16", 12 * op.hidden),
        Writes(op.y),
    )


def _sums(op: Recurrent, multiply: MultiplyHigh, joined: int) -> Any:
    """What is kept of both accumulators of a gate: their sum, or each by itself behind the first `joined` gates."""
    rows, hidden, scale = len(op.weight), op.hidden, 1 << op.left

    @T.inline
    def keep(row, acc, factor, state):
        given: T.let[T.int32] = multiply(acc[0] * scale, factor[row]) + factor[2 * rows + row]
        recalled: T.let[T.int32] = multiply(acc[1], factor[rows + row])
        if row < joined:
            state[2 * hidden + row] = clamp(given + recalled, -LIMIT, LIMIT - 1, "int16")
        else:
            own: T.let[T.int32] = factor[3 * rows + row - joined]
            state[2 * hidden + row] = clamp(given, -LIMIT, LIMIT - 1, "int16")
            state[3 * hidden + row] = clamp(recalled + own, -LIMIT, LIMIT - 1, "int16")

    return keep


def _lstm(hidden: int) -> Any:
    """New c and h of unit j from its gates i, o, f, c."""

    @T.inline
    def update(j, node, state):
        i: T.let[T.int32] = _function(node, 0, state[2 * hidden + j])
        o: T.let[T.int32] = _function(node, 0, state[3 * hidden + j])
        f: T.let[T.int32] = _function(node, 0, state[4 * hidden + j])
        g: T.let[T.int32] = _function(node, NODES, state[5 * hidden + j])
        added: T.let[T.int32] = T.shift_right(i * g + (1 << (PRODUCT_SHIFT - 1)), PRODUCT_SHIFT)
        state[hidden + j] = _state(f * int32(state[hidden + j]) + added)
        state[j] = _state(o * _function(node, NODES, state[hidden + j]))

    return update


def _gru(hidden: int) -> Any:
    """New h of unit j from its gates z, r and the two sums of its candidate."""

    @T.inline
    def update(j, node, state):
        z: T.let[T.int32] = _function(node, 0, state[2 * hidden + j])
        r: T.let[T.int32] = _function(node, 0, state[3 * hidden + j])
        reset: T.let[T.int32] = T.shift_right(r * int32(state[5 * hidden + j]) + (1 << 14), 15)
        total: T.let[T.int32] = T.max(T.min(int32(state[4 * hidden + j]) + reset, LIMIT - 1), -LIMIT)
        candidate: T.let[T.int32] = _function(node, NODES, total)
        kept: T.let[T.int32] = T.shift_right(z * (int32(state[j]) - candidate) + (1 << 14), 15)
        state[j] = clamp(candidate + kept, -LIMIT, LIMIT - 1, "int16")

    return update


def _function(node: Buffer, table: int, gate: Expr) -> Expr:
    """The straight line between two of the nodes that begin at `table`: int32 within int16."""
    u = bind("u", int32(gate) + LIMIT)
    k = bind("k", T.shift_right(u, SEGMENT_BITS) + table)
    rise = bind("rise", (node[k + 1] - node[k]) * T.bitwise_and(u, (1 << SEGMENT_BITS) - 1))
    line = bind("line", T.shift_right(node[k] * (1 << SEGMENT_BITS) + rise + (1 << (TABLE_SHIFT - 1)), TABLE_SHIFT))
    return T.max(T.min(line, LIMIT - 1), -LIMIT)


def _state(product: Expr) -> Expr:
    """A product with a gate as int16."""
    return clamp(T.shift_right(product + (1 << 14), 15), -LIMIT, LIMIT - 1, "int16")
