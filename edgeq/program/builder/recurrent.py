"""LSTM and GRU: one operator for a whole sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.activation import Activation
from edgeq.program.builder.context import Context, attribute, constant_array, node_name, shape_of
from edgeq.program.builder.layout import Value, dense
from edgeq.program.builder.matmul import quantized_operand, read_weights
from edgeq.program.ops import Recurrent
from edgeq.quant.fixed_point import INT32_LIMIT
from edgeq.quant.qparams import QuantParams
from edgeq.quant.recurrent import STATE, SUM_LIMIT, gate_coefficients

if TYPE_CHECKING:
    import onnx_ir as ir


def build_recurrent(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """One direction of a LSTM or GRU in canonical form: x (steps, 1, inputs), y (steps, 1, 1, hidden)."""
    x = quantized_operand(ctx, node, 0)
    weights, recurrence = (read_weights(node, 1, position) for position in (1, 2))
    w, r = (np.ascontiguousarray(part.integers[:, 0]) for part in (weights, recurrence))
    cell: Literal["lstm", "gru"] = "lstm" if node.op_type == "LSTM" else "gru"
    scales = weights.scale, recurrence.scale
    coefficients = gate_coefficients(cell, w, scales, _biases(node, len(w)), x.params)
    reach = int(np.abs(w.astype(np.int64)).sum(axis=1).max()) << (x.params.bits - 1 + coefficients.left)
    if reach >= INT32_LIMIT or r.shape[1] >= SUM_LIMIT:
        fix = f"at most {SUM_LIMIT - 1} hidden units are possible, and inputs whose weighted sums stay within the gates"
        raise UnsupportedError("the sums of the gates do not fit int32", node=node_name(node), fix=fix)
    x_buffer = ctx.dense_buffer(x, tuple(range(x.index.ndim)), node)
    shape = shape_of(node.outputs[0])
    buffer = ctx.new_buffer(shape, y, tensor=tensor)
    reverse = attribute(node, "direction", "forward") == "reverse"
    rq = activation.requantize(STATE.scale / y.scale, y)
    ctx.emit(Recurrent(node_name(node), buffer.name, x_buffer, cell, reverse, shape[0], w, r, *coefficients, rq))
    return Value(buffer.name, dense(shape), y)


def _biases(node: ir.Node, rows: int) -> np.ndarray:
    """Of W x and of R h, float64 (2, rows); zeros where there are none."""
    array = constant_array(node.inputs[3]) if len(node.inputs) > 3 else None
    return np.zeros((2, rows)) if array is None else array.astype(np.float64).reshape(2, rows)
