"""ONNX nodes as operations that can be differentiated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import ml_dtypes
import numpy as np
import onnx_ir as ir

from edgeq.errors import UnsupportedError
from edgeq.passes.editing import constant, static_shape
from edgeq.passes.layer_rows import window_of
from edgeq.passes.qdq import read_grid
from edgeq.passes.weighted import bias_of, by_group, by_output, is_weighted, weight_of
from edgeq.program.builder.activation import read_activation
from edgeq.reconstruct import vjp
from edgeq.reconstruct.block import Operation
from edgeq.reconstruct.rows import Window

RESHAPES = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"})


def weight_name(node: ir.Node) -> str:
    """The name under which a layer's weight, (groups, outputs, inputs), is a parameter."""
    return f"{node.outputs[0].name}.weight"


def bias_name(node: ir.Node) -> str:
    """The name under which a layer's bias, (groups, outputs), is a parameter."""
    return f"{node.outputs[0].name}.bias"


def scale_name(quantize: ir.Node) -> str:
    """The name under which the scale of an activation is a parameter."""
    return f"{quantize.outputs[0].name}.scale"


def operations(nodes: Iterable[ir.Node], *, quantized: bool) -> list[Operation]:
    """Operations for nodes, in their order; quantizers of activations only where `quantized`.

    Raises:
        UnsupportedError: A node of another kind.
    """
    found: list[Operation] = []
    for node in nodes:
        inputs, apply = _operation(node, quantized)
        found.append(Operation(inputs, str(node.outputs[0].name), apply))
    return found


def layer_parameters(nodes: Iterable[ir.Node]) -> dict[str, np.ndarray]:
    """The constants that `operations` of float nodes take, by name, in the shapes that they want."""
    found: dict[str, np.ndarray] = {}
    for node in nodes:
        if is_weighted(node):
            found |= _weight_and_bias(node)
        elif node.op_type == "Add":
            arrays = ((value, constant(value)) for value in node.inputs)
            found |= {str(value.name): array[..., None] for value, array in arrays if array is not None}  # type: ignore
    return found


def _weight_and_bias(node: ir.Node) -> dict[str, np.ndarray]:
    weight, bias = constant(weight_of(node)), constant(bias_of(node))
    assert weight is not None
    added = by_output(node, np.zeros(1) if bias is None else bias)
    return {weight_name(node): by_group(node, weight), bias_name(node): added}


def _operation(node: ir.Node, quantized: bool) -> tuple[tuple[str, ...], Callable[..., vjp.Result]]:
    x = str(node.inputs[0].name)  # type: ignore[union-attr]
    match node.op_type:
        case "Conv":
            return (x, weight_name(node), bias_name(node)), partial(vjp.convolve, window=window_of(node))
        case "Gemm" | "MatMul":
            return (x, weight_name(node), bias_name(node)), vjp.multiply_matrix
        case "Add":
            return (x, str(node.inputs[1].name)), vjp.add  # type: ignore[union-attr]
        case "Relu" | "Clip":
            activation = read_activation(node)
            return (x,), partial(vjp.clip, lo=activation.lo, hi=activation.hi)
        case "AveragePool" | "GlobalAveragePool":
            return (x,), partial(vjp.pool_average, window=_pool_window(node))
        case "Transpose":
            return (x,), partial(vjp.transpose, axes=tuple(node.attributes["perm"].as_ints()))
        case "QuantizeLinear":
            if not quantized:
                return (x,), _identity
            grid = read_grid(node)
            limits = ml_dtypes.iinfo(grid.zero_point.dtype)  # type: ignore[no-untyped-call]
            ends = int(limits.min), int(limits.max)
            return (x, scale_name(node)), partial(vjp.fake_quantize, zero_point=int(grid.zero_point), limits=ends)
        case "DequantizeLinear":
            return (x,), _identity
        case kind if kind in RESHAPES:
            return (x,), partial(vjp.reshape, shape=static_shape(node.outputs[0]) or ())
    raise UnsupportedError(f"{node.op_type} is not differentiated", node=node.name)


def _identity(x: np.ndarray) -> vjp.Result:
    return x, lambda gradient: (gradient,)


def _pool_window(node: ir.Node) -> Window:
    spatial = (static_shape(node.inputs[0]) or ())[2:]
    ones = (1,) * len(spatial)
    if node.op_type == "GlobalAveragePool":
        return Window(spatial, ones, ones, (0,) * 2 * len(spatial))
    window = window_of(node)
    if any(window.pads):
        raise UnsupportedError("AveragePool with padding is not differentiated", node=node.name)
    return window
