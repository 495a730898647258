"""Rows of constant tables at positions that the network is given: embeddings of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.activation import Activation
from edgeq.program.builder.context import Context, constant_array, node_name, shape_of
from edgeq.program.builder.layout import Value, dense
from edgeq.program.builder.matmul import quantized_operand
from edgeq.program.ops import Gather
from edgeq.program.program import Port
from edgeq.quant.fixed_point import round_half_up
from edgeq.quant.qparams import QuantParams
from edgeq.quant.scheme import MOVEMENT

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_ROWS = 1 << 15
"""Of a table: tokens are int16 at most."""


def add_tokens(ctx: Context, value: ir.Value) -> tuple[Port, Value]:
    """Makes the port of a graph input of tokens, and its value: int8 where all rows of the tables can be named so.

    Tokens have the scale 1 and the zero point 0, whatever integers the user asked for at the interface.
    """
    bits = 8 if vocabulary(value) <= 128 else 16
    params, shape = QuantParams(1.0, 0, bits), shape_of(value)
    buffer = ctx.new_buffer(shape, params)
    ctx.ports.add(buffer.name)
    return Port(str(value.name), buffer.name, shape, params.scale, 0), Value(buffer.name, dense(shape), params)


def vocabulary(tokens: ir.Value) -> int:
    """Rows of the largest table that tokens, moved or not, are positions in; 0 where there is none."""
    sizes = [0]
    for node, index in tokens.uses():
        if node.op_type == "Gather" and index == 1 and node.inputs[0] is not None:
            sizes.append(shape_of(node.inputs[0])[0])
        elif node.op_type in MOVEMENT and index == 0:
            sizes += [vocabulary(output) for output in node.outputs]
    return max(sizes)


def build_gather(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """Gather along the first axis of a quantized constant, whose rows are put on the grid of y once and for all."""
    x, table = quantized_operand(ctx, node, 1), _table(node, y)
    if len(table) > MOST_ROWS:
        raise UnsupportedError(
            f"a table of {len(table)} rows", node=node_name(node), fix=f"at most {MOST_ROWS} are possible"
        )
    x_buffer = ctx.dense_buffer(x, tuple(range(x.index.ndim)), node)
    shape = shape_of(node.outputs[0])
    buffer = ctx.new_buffer(shape, y, tensor=tensor)
    ctx.emit(Gather(node_name(node), buffer.name, x_buffer, table))
    return Value(buffer.name, dense(shape), y)


def _table(node: ir.Node, y: QuantParams) -> np.ndarray:
    """Integers (rows, depth) of y, from initializer -> DequantizeLinear."""
    dequantize = None if node.inputs[0] is None else node.inputs[0].producer()
    stored = None if dequantize is None else constant_array(dequantize.inputs[0])
    if dequantize is None or stored is None:
        raise UnsupportedError(
            "the table of Gather is not a quantized constant",
            node=node_name(node),
            fix="store it as an int8 initializer behind a DequantizeLinear",
        )
    scale = constant_array(dequantize.inputs[1])
    zero = constant_array(dequantize.inputs[2]) if len(dequantize.inputs) > 2 else None
    if scale is None or scale.size != 1:
        raise UnsupportedError("the table of Gather needs one constant scale", node=node_name(node))
    real = (stored.astype(np.float64) - (0 if zero is None else int(zero.reshape(-1)[0]))) * float(scale.reshape(-1)[0])
    steps = round_half_up(real / y.scale) + y.zero_point
    return steps.clip(y.qmin, y.qmax).astype(np.int16 if y.bits == 16 else np.int8).reshape(len(stored), -1)
