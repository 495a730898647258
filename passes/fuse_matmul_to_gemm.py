"""Gives fully connected layers one form."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.channels import is_canonical_gemm
from edgeq.passes.editing import constant, set_constant, sole_consumer, static_shape, substitute


class FuseMatmulToGemm(ir.passes.InPlacePass):
    """MatMul of a matrix with a constant, and the constant Add behind it, become Gemm with `transB=1`.

    Every Gemm with constant weight gets that form: alpha and beta go into the constants, the bias has shape
    (outputs,). A MatMul of higher rank stays; the constant added to it becomes the second input, of shape (outputs,).
    A bias that differs from row to row is declined.

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
    weight, shape = constant(node.inputs[1]), static_shape(node.inputs[0])
    if weight is None or weight.ndim != 2 or shape is None or len(shape) != 2:
        return False
    set_constant(node, 1, f"{node.name}_weight", np.ascontiguousarray(weight.T))
    node.op_type = "Gemm"
    node.attributes["transB"] = ir.AttrInt64("transB", 1)
    return True


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
    layer = x.producer() if x is not None else None
    if x is None or layer is None or layer.op_type not in ("Gemm", "MatMul") or sole_consumer(x) is not node:
        return False
    weight, shape = constant(layer.inputs[1]), static_shape(x)
    row = _bias_row(bias, shape[-1]) if shape else None
    if row is None or weight is None or shape != static_shape(node.outputs[0]):
        return False
    if layer.op_type == "MatMul":
        return _bias_second(node, x, bias, row)
    if not is_canonical_gemm(layer):
        return False
    old = constant(layer.inputs[2]) if len(layer.inputs) > 2 else np.zeros_like(row)
    if old is None:
        return False
    set_constant(layer, 2, f"{layer.name}_bias", old + row)
    substitute(node, layer.outputs[0])
    return True


def _bias_second(node: ir.Node, x: ir.Value, bias: ir.Value | None, row: np.ndarray) -> bool:
    if node.inputs[0] is x and static_shape(bias) == row.shape:
        return False
    node.replace_input_with(0, x)
    node.replace_input_with(1, bias)
    set_constant(node, 1, f"{node.name}_bias", row)
    return True


def _bias_row(bias: ir.Value | None, outputs: int) -> np.ndarray | None:
    """A constant as (outputs,) if it is the same for every row."""
    array = constant(bias)
    if array is None or array.size not in (1, outputs) or (array.size > 1 and array.shape[-1] != array.size):
        return None
    return np.ascontiguousarray(np.broadcast_to(array.reshape(-1), (outputs,)))
