"""What edgeq compiles: for each ONNX operator, what a canonical node must look like."""

from __future__ import annotations

import difflib
from collections.abc import Callable

import onnx_ir as ir

from edgeq.errors import UnsupportedError
from edgeq.passes.editing import constant, integers, parameter, scalar, static_shape
from edgeq.passes.quantization_points import movement_source
from edgeq.passes.resize import repeats
from edgeq.quant.scheme import FUNCTIONS

Check = Callable[[ir.Node], str | None]
"""Why the node cannot be compiled; None where it can."""


def check_supported(model: ir.Model) -> None:
    """Refuse a canonical model that holds anything unsupported.

    Raises:
        UnsupportedError: Naming the first such node and the nearest thing that works.
    """
    refused = [(node, reason) for node in model.graph if (reason := unsupported_reason(node)) is not None]
    if refused:
        node, reason = refused[0]
        more = f" (and {len(refused) - 1} more unsupported nodes)" if len(refused) > 1 else ""
        raise UnsupportedError(f"{reason}{more}", node=node.name, fix=alternative(node.op_type))


def unsupported_reason(node: ir.Node) -> str | None:
    """Why edgeq cannot compile this node of a canonical model; None where it can."""
    check = CHECKS.get(node.op_type)
    if check is None:
        return f"operator {node.op_type} is not supported"
    for value in (*node.inputs, *node.outputs):
        if value is not None and static_shape(value) is None:
            return f"{node.op_type}: the shape of {value.name!r} cannot be inferred"
    return reason if (reason := check(node)) is None else f"{node.op_type}: {reason}"


def alternative(op_type: str) -> str:
    """The nearest thing that works."""
    if op_type in CHECKS:
        return f"change the attributes or inputs of this {op_type}, or replace it, and export again"
    nearest = _ALTERNATIVES.get(op_type) or next(iter(difflib.get_close_matches(op_type, CHECKS, n=1, cutoff=0.0)))
    return f"use {nearest} instead and export again"


def _fine(node: ir.Node) -> None:
    return None


def _conv(node: ir.Node) -> str | None:
    if not parameter(node.inputs[1]) or (len(node.inputs) > 2 and not parameter(node.inputs[2])):
        return "weight and bias must be constant"
    return _window(node) or _channels(node)


def _channels(node: ir.Node) -> str | None:
    """ONNX's shape inference looks at the image axes only."""
    x, weight = static_shape(node.inputs[0]) or (), static_shape(node.inputs[1]) or ()
    groups = node.attributes.get_int("group", 1) or 0
    if x[1] != weight[1] * groups or weight[0] % groups:
        return f"weight {weight} in {groups} group(s) does not fit an input of {x[1]} channels"
    if len(node.inputs) > 2 and static_shape(node.inputs[2]) != weight[:1]:
        return "the bias must be one number per output channel"
    return None


def _window(node: ir.Node) -> str | None:
    rank = len(static_shape(node.inputs[0]) or ())
    if rank not in (3, 4):
        return f"only one and two image axes are supported, not {rank - 2}"
    if node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        return "auto_pad could not be made explicit"
    if min(node.attributes.get_ints("pads", (0,))) < 0:
        return "pads must not be negative"
    return None


def _max_pool(node: ir.Node) -> str | None:
    if len(node.outputs) > 1:
        return "the output of indices is not supported"
    return _window(node)


def _gemm(node: ir.Node) -> str | None:
    if not parameter(node.inputs[1]) or (len(node.inputs) > 2 and not parameter(node.inputs[2])):
        return "weight and bias must be constant"
    if node.attributes.get_int("transA", 0):
        return "the input must not be transposed (transA)"
    if node.attributes.get_float("alpha", 1.0) != 1.0 or node.attributes.get_float("beta", 1.0) != 1.0:
        return "alpha and beta must be 1"
    if len(node.inputs) > 2 and len(static_shape(node.inputs[2]) or ()) != 1:
        return "the bias must be one number per output"
    return None


def _matmul(node: ir.Node) -> str | None:
    ranks = [len(static_shape(value) or ()) for value in node.inputs]
    if parameter(node.inputs[1]) and ranks[1] != 2:
        return "a constant second input must be a matrix"
    return "both inputs must be matrices" if min(ranks) < 2 else None


def _layer_norm(node: ir.Node) -> str | None:
    if len(node.outputs) > 1:
        return "the outputs of mean and deviation are not supported"
    fixed = all(parameter(value) for value in node.inputs[1:] if value is not None)
    return None if fixed else "scale and bias must be constant"


def _gather(node: ir.Node) -> str | None:
    table, positions = node.inputs
    axis = node.attributes.get_int("axis", 0)
    if not parameter(table) or axis != 0:
        return "only rows of a constant table, or fixed positions at equal distances, are supported"
    source = None if positions is None else movement_source(positions)
    return None if source is not None and source.is_graph_input() else "the positions must be a network input"


def _recurrent(node: ir.Node) -> str | None:
    attributes = node.attributes
    numbers = {name: attributes.get_int(name, 0) for name in ("layout", "linear_before_reset", "input_forget")}
    if not all(parameter(value) for value in node.inputs[1:4] if value is not None):
        return "weights and biases must be constant"
    if any(value is not None for value in node.inputs[4:]):
        return "lengths of sequences, states before the first step other than zero, and peepholes are not supported"
    if (static_shape(node.inputs[0]) or (0, 0))[1] != 1 or numbers["layout"]:
        return "only a batch of 1, behind the axis of the steps, is supported"
    if any(value.uses() or value.is_graph_output() for value in node.outputs[1:]):
        return "the state c behind the last step is not supported as a result"
    if node.op_type == "GRU" and not numbers["linear_before_reset"]:
        return "only linear_before_reset = 1, as PyTorch has it, is supported"
    if {"activations", "clip"} & set(attributes) or numbers["input_forget"]:
        return "only the standard activations, without clip and input_forget, are supported"
    return None


def _batchnorm(node: ir.Node) -> str | None:
    return "only inference mode with constant statistics is supported"


def _clip(node: ir.Node) -> str | None:
    limits = [value for value in node.inputs[1:] if value is not None]
    return None if all(scalar(value) is not None for value in limits) else "the limits must be constant"


def _prelu(node: ir.Node) -> str | None:
    return None if parameter(node.inputs[1]) else "the slope must be constant"


def _constant_after_first(node: ir.Node) -> str | None:
    """Shapes, axes, sizes and pads come as further inputs."""
    loose = [value.name for value in node.inputs[1:] if value is not None and constant(value) is None]
    return f"input {loose[0]!r} must be constant" if loose else None


def _pad(node: ir.Node) -> str | None:
    if node.attributes.get_string("mode", "constant") != "constant":
        return "only constant padding is supported"
    return _constant_after_first(node)


def _resize(node: ir.Node) -> str | None:
    return None if repeats(node) is not None else "only nearest neighbours with integer factors are supported"


def _reduce_mean(node: ir.Node) -> str | None:
    axes = integers(node.inputs[1]) if len(node.inputs) > 1 else None
    return f"only a mean over image axes, the third and later, is supported, not over {list(axes or ())}"


CHECKS: dict[str, Check] = {
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "LayerNormalization": _layer_norm,
    "BatchNormalization": _batchnorm,
    "Clip": _clip,
    "PRelu": _prelu,
    "MaxPool": _max_pool,
    "AveragePool": _window,
    "ReduceMean": _reduce_mean,
    "Gather": _gather,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "Expand": _constant_after_first,
    "Split": _constant_after_first,
    "Slice": _constant_after_first,
    "Pad": _pad,
    "Resize": _resize,
    **dict.fromkeys(sorted(FUNCTIONS), _fine),
    **dict.fromkeys(("Relu", "LeakyRelu", "Add", "Sub", "Mul", "Concat", "Softmax"), _fine),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _window),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), _fine),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity"), _fine),
}
"""The check of each operator that can be compiled. Constant, Dropout, Div by a constant, Upsample and others are gone
from a canonical model."""

_ALTERNATIVES = {
    "ConvTranspose": "Resize (nearest) followed by Conv",
    "Div": "Mul by a constant",
    "Pow": "Mul of the value with itself",
    "LogSoftmax": "Softmax",
    "Max": "Clip with constant limits, or GlobalMaxPool",
    "Min": "Clip with constant limits",
    "ReduceMax": "GlobalMaxPool",
    "ReduceSum": "ReduceMean over the image axes",
    "InstanceNormalization": "BatchNormalization",
    "GroupNormalization": "BatchNormalization",
    "LpNormalization": "BatchNormalization",
    "LRN": "BatchNormalization",
    "RNN": "LSTM, GRU, or a 1-D Conv over the time axis",
    "Einsum": "MatMul with a constant matrix",
    "GatherElements": "Slice or Split",
    "GatherND": "Slice or Split",
    "Tile": "Resize (nearest) or Concat",
    "Where": "Relu or Clip",
    "Mish": "HardSwish",
    "Selu": "Elu",
    "Celu": "Elu",
    "Swish": "HardSwish",
    "ThresholdedRelu": "Relu",
    "DepthToSpace": "Resize (nearest) followed by Conv",
    "ArgMax": "the scores themselves as output, and take the maximum in the application",
    "TopK": "the scores themselves as output, and sort in the application",
    "Cast": "float32 throughout",
    **dict.fromkeys(
        ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear"),
        "the QDQ format (QuantizeLinear and DequantizeLinear; in onnxruntime, static, quant_format=QuantFormat.QDQ)",
    ),
}
