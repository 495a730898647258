"""Gives fully connected layers one form."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgeq.passes.channels import is_canonical_gemm
from edgeq.passes.editing import (
    add_constant,
    constant,
    insert_node,
    set_constant,
    sole_consumer,
    static_shape,
    substitute,
)


class FuseMatmulToGemm(ir.passes.InPlacePass):
    """MatMul by a constant matrix, and the constant Add behind it, become Gemm with `transB=1`.

    Every Gemm with constant weight gets that form: alpha and beta go into the constants, the bias has shape
    (outputs,). A MatMul of higher rank gets a Reshape on either side. A bias that differs from row to row is declined;
    so are MatMuls of two activations.

    The function is unchanged up to float rounding; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in model.graph:
            if node.op_type == "MatMul":
                changed |= _matmul(node)
            elif node.op_type == "Gemm":
                changed |= _gemm(node)
            elif node.op_type == "Add":
                changed |= _add(node)
        return ir.passes.PassResult(model, changed)


def _matmul(node: ir.Node) -> bool:
    weight, shape, result = constant(node.inputs[1]), static_shape(node.inputs[0]), static_shape(node.outputs[0])
    if weight is None or weight.ndim != 2 or shape is None or result is None or len(shape) < 2:
        return False
    set_constant(node, 1, f"{node.name}_weight", np.ascontiguousarray(weight.T))
    node.op_type = "Gemm"
    node.attributes["transB"] = ir.AttrInt64("transB", 1)
    if len(shape) > 2:
        _flatten(node, shape, result)
    return True


def _flatten(node: ir.Node, shape: tuple[int, ...], result: tuple[int, ...]) -> None:
    """Lets a Gemm of higher rank work on the rows of one matrix."""
    source, output = node.inputs[0], node.outputs[0]
    rows = math.prod(shape[:-1])
    flat = _reshaped(node, source, (rows, shape[-1]), f"{node.name}_rows")
    gemm = insert_node(node, "Gemm", [flat, *node.inputs[1:]], f"{node.name}", f"{output.name}_rows", transB=1)
    gemm.shape = ir.Shape((rows, result[-1]))
    substitute(node, _reshaped(node, gemm, result, str(output.name)))


def _reshaped(before: ir.Node, value: ir.Value | None, shape: tuple[int, ...], output: str) -> ir.Value:
    assert before.graph is not None
    sizes = add_constant(before.graph, f"{output}_shape", np.array(shape, np.int64))
    reshaped = insert_node(before, "Reshape", [value, sizes], f"{output}_reshape", output)
    reshaped.shape = ir.Shape(shape)
    return reshaped


def _gemm(node: ir.Node) -> bool:
    weight = constant(node.inputs[1])
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if weight is None or is_canonical_gemm(node) or bool(node.attributes.get_int("transA", 0)):
        return False
    outputs = weight.shape[0] if node.attributes.get_int("transB", 0) else weight.shape[1]
    row = _bias_row(bias, outputs)
    if bias is not None and row is None:
        return False
    alpha, beta = node.attributes.get_float("alpha", 1.0), node.attributes.get_float("beta", 1.0)
    matrix = weight if node.attributes.get_int("transB", 0) else weight.T
    set_constant(node, 1, f"{node.name}_weight", np.ascontiguousarray(matrix * weight.dtype.type(alpha)))
    if row is not None:
        set_constant(node, 2, f"{node.name}_bias", row * row.dtype.type(beta))
    node.attributes.clear()
    node.attributes["transB"] = ir.AttrInt64("transB", 1)
    return True


def _add(node: ir.Node) -> bool:
    """Add of a constant row to a fully connected layer."""
    x, bias = node.inputs
    if constant(x) is not None:
        x, bias = bias, x
    layer = None if x is None or sole_consumer(x) is not node else _layer(x)
    shape = static_shape(x)
    row = _bias_row(bias, shape[-1]) if shape else None
    if row is None or layer is None or x is None or shape != static_shape(node.outputs[0]):
        return False
    old = constant(layer.inputs[2]) if len(layer.inputs) > 2 else np.zeros_like(row)
    if old is None:
        return False
    set_constant(layer, 2, f"{layer.name}_bias", old + row)
    substitute(node, x)
    return True


def _layer(value: ir.Value) -> ir.Node | None:
    """The canonical Gemm that makes a value, itself or behind a Reshape of its rows."""
    node = value.producer()
    if node is not None and node.op_type == "Reshape":
        rows = node.inputs[0]
        if rows is None or sole_consumer(rows) is not node or not _same_columns(rows, value):
            return None
        node = rows.producer()
    return node if node is not None and node.op_type == "Gemm" and is_canonical_gemm(node) else None


def _same_columns(first: ir.Value, second: ir.Value) -> bool:
    shapes = static_shape(first), static_shape(second)
    return all(shapes) and shapes[0][-1] == shapes[1][-1]  # type: ignore[index]


def _bias_row(bias: ir.Value | None, outputs: int) -> np.ndarray | None:
    """A constant as (outputs,) if it is the same for every row."""
    array = constant(bias)
    if array is None or array.size not in (1, outputs) or (array.size > 1 and array.shape[-1] != array.size):
        return None
    return np.ascontiguousarray(np.broadcast_to(array.reshape(-1), (outputs,)))
