"""Walks a QDQ ONNX graph once and builds the integer program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.activation import ACTIVATIONS, Activation, read_activations
from edgeq.program.builder.context import Context, constant_array, node_name
from edgeq.program.builder.elementwise import UNARY, build_binary, build_unary
from edgeq.program.builder.gather import add_tokens, build_gather
from edgeq.program.builder.layout import Value
from edgeq.program.builder.matmul import build_conv, build_dense
from edgeq.program.builder.movement import MOVEMENTS, build_concat, build_movement, build_rescale
from edgeq.program.builder.pool import build_average_pool, build_max_pool
from edgeq.program.builder.ports import Interface, add_input, add_output
from edgeq.program.builder.recurrent import build_recurrent
from edgeq.program.builder.rows import build_layer_norm, build_matmul, build_softmax
from edgeq.program.program import Port, Program
from edgeq.program.verifier import verify_program
from edgeq.quant.qparams import QuantParams
from edgeq.quant.scheme import RECURRENT, WEIGHTED

if TYPE_CHECKING:
    import onnx_ir as ir

Builder = Callable[[Context, "ir.Node", Activation, QuantParams, "str | None"], Value]


def _build_matmul(ctx: Context, node: ir.Node, activation: Activation, y: QuantParams, tensor: str | None) -> Value:
    """By a constant matrix, or of two activations."""
    builder = build_matmul if node.inputs[1] in ctx.values else build_dense
    return builder(ctx, node, activation, y, tensor)


# Operators whose float result a QuantizeLinear must follow (an activation may stand between).
ANCHORS: dict[str, Builder] = {
    "Conv": build_conv,
    "Gemm": build_dense,
    "MatMul": _build_matmul,
    "Add": build_binary,
    "Sub": build_binary,
    "Mul": build_binary,
    "AveragePool": build_average_pool,
    "GlobalAveragePool": build_average_pool,
    "Concat": build_concat,
    "Softmax": build_softmax,
    "LayerNormalization": build_layer_norm,
    "Gather": build_gather,
    "LSTM": build_recurrent,
    "GRU": build_recurrent,
    **dict.fromkeys(UNARY, build_unary),
}


FIRST_PARAMETER = {**dict.fromkeys(WEIGHTED | RECURRENT, 1), "Gather": 0}
"""From which input on the constants of an operator become arrays of its op, not buffers."""


@dataclass(frozen=True)
class Built:
    """A program and how it relates to the model that it was built from.

    Attributes:
        tensors: Where each quantized tensor of the model lies: by the name of the float tensor that it stands for,
            the quantized tensor's name and its value.
    """

    program: Program
    tensors: dict[str, tuple[str, Value]]


def build_program(model: ir.Model, name: str, interface: Interface | None = None) -> Program:
    """The program alone, of `build`."""
    return build(model, name, interface).program


def build(model: ir.Model, name: str, interface: Interface | None = None) -> Built:
    """Builds the integer program of a quantized model.

    Args:
        model: Canonical QDQ ONNX with frozen weights and static shapes.
        name: Name of the program, a C identifier.
        interface: How inputs and outputs are to look; as in the model, int8, where None.

    Raises:
        UnsupportedError: Something in the graph has no integer form; names the node and tensor.
    """
    ctx = Context()
    interface = interface or Interface()
    inputs: list[Port] = []
    for value in model.graph.inputs:
        if value.dtype is not None and value.dtype.is_integer():
            port, ctx.values[value] = add_tokens(ctx, value)
            inputs.append(port)
    for node in model.graph:
        _build_node(ctx, node, interface, inputs)
    outputs = [add_output(ctx, _result(ctx, value), value, interface) for value in model.graph.outputs]
    order = [value.name for value in model.graph.inputs]
    inputs.sort(key=lambda port: order.index(port.name))
    program = Program(name, tuple(inputs), tuple(outputs), tuple(ctx.buffers.values()), tuple(ctx.ops), interface.io)
    verify_program(program)
    return Built(program, _tensors(ctx))


def _tensors(ctx: Context) -> dict[str, tuple[str, Value]]:
    quantizers = [(v.producer(), value) for v, value in ctx.values.items()]
    return {
        _float_name(node): (str(node.outputs[0].name), value)
        for node, value in quantizers
        if node is not None and node.op_type == "QuantizeLinear"
    }


def _float_name(quantizer: ir.Node) -> str:
    """The tensor of the float model: a graph output's name has moved behind the DequantizeLinear."""
    dequantized = [use.node.outputs[0] for use in quantizer.outputs[0].uses()]
    outputs = [value for value in dequantized if value.is_graph_output()]
    return str((outputs[0] if outputs else quantizer.inputs[0]).name)  # type: ignore[union-attr]


def _build_node(ctx: Context, node: ir.Node, interface: Interface, inputs: list[Port]) -> None:
    op = node.op_type
    if op == "QuantizeLinear":
        ctx.values[node.outputs[0]] = _build_quantized(ctx, node, interface, inputs)
    elif op == "DequantizeLinear":
        _build_dequantize(ctx, node)
    elif op in MOVEMENTS:
        for output, value in zip(node.outputs, build_movement(ctx, node), strict=False):
            ctx.values[output] = value
    elif op in ("MaxPool", "GlobalMaxPool"):
        ctx.values[node.outputs[0]] = build_max_pool(ctx, node)
    elif op not in ANCHORS:
        raise UnsupportedError(
            f"operator {op} cannot be compiled", node=node_name(node), fix="see `edgeq inspect MODEL`"
        )


def _build_dequantize(ctx: Context, node: ir.Node) -> None:
    """A quantized activation passes through; a constant becomes a constant buffer when an operator uses it as one."""
    source = node.inputs[0]
    assert source is not None
    if source in ctx.values:
        ctx.values[node.outputs[0]] = ctx.values[source]
        return
    data = constant_array(source)
    if data is None or not _is_operand(node.outputs[0]):
        return
    params = quant_params(node)
    buffer = ctx.new_buffer(data.shape, params, data=data.astype(np.int16 if params.bits == 16 else np.int8))
    ctx.values[node.outputs[0]] = Value(buffer.name, np.arange(data.size).reshape(data.shape), params, constant=True)


def _is_operand(value: ir.Value) -> bool:
    """True where a constant is an operand like an activation, not a weight or bias."""
    return any(use.idx < FIRST_PARAMETER.get(use.node.op_type, len(use.node.inputs)) for use in value.uses())


def _build_quantized(ctx: Context, node: ir.Node, interface: Interface, inputs: list[Port]) -> Value:
    """What a QuantizeLinear quantizes: a graph input, an already quantized value, or the result of an anchor."""
    params = quant_params(node)
    tensor = node.outputs[0].name
    source = node.inputs[0]
    assert source is not None
    if source in ctx.values:
        return build_rescale(ctx, node, ctx.values[source], params, tensor)
    if source.producer() is None:
        port, value = add_input(ctx, source, params, interface, tensor)
        inputs.append(port)
        return value
    anchor, activations = _anchor(ctx, source)
    return ANCHORS[anchor.op_type](ctx, anchor, read_activations(activations), params, tensor)


def _anchor(ctx: Context, value: ir.Value) -> tuple[ir.Node, list[ir.Node]]:
    """The operator that makes a float value, and the activations after it in order of execution."""
    activations: list[ir.Node] = []
    node = value.producer()
    assert node is not None
    while node.op_type in ACTIVATIONS and node.inputs[0] not in ctx.values:
        activations.insert(0, node)
        producer = node.inputs[0].producer() if node.inputs[0] else None
        if producer is None or producer.op_type not in ANCHORS:
            raise UnsupportedError(
                "the input of an activation is not quantized",
                node=node_name(node),
                tensor=None if node.inputs[0] is None else node.inputs[0].name,
                fix="quantize it: a QuantizeLinear and a DequantizeLinear must stand before this operator",
            )
        node = producer
    return node, activations


def quant_params(node: ir.Node) -> QuantParams:
    """The per-tensor parameters of a QuantizeLinear or DequantizeLinear.

    Raises:
        UnsupportedError: Per-channel, or not signed integers.
    """
    scale = constant_array(node.inputs[1])
    zero = constant_array(node.inputs[2]) if len(node.inputs) > 2 else None
    quantized = node.outputs[0] if node.op_type == "QuantizeLinear" else node.inputs[0]
    bits = {"INT4": 4, "INT8": 8, "INT16": 16}.get(quantized.dtype.name if quantized and quantized.dtype else "INT8")
    if scale is None or scale.size != 1 or bits is None:
        raise UnsupportedError(
            "activations need one constant scale and a signed integer type",
            node=node_name(node),
            tensor=quantized.name if quantized else None,
            fix="quantize activations per tensor to int8",
        )
    return QuantParams(float(scale.reshape(-1)[0]), 0 if zero is None else int(zero.reshape(-1)[0]), bits)


def _result(ctx: Context, value: ir.Value) -> Value:
    if value not in ctx.values:
        raise UnsupportedError(
            "an output is not quantized",
            tensor=value.name,
            fix="a QuantizeLinear and a DequantizeLinear must stand before every output",
        )
    return ctx.values[value]
