"""Folds constant arithmetic behind a layer into its weights."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.channels import Affine, apply_affine, can_scale
from edgeq.passes.editing import constant, set_constant, sole_consumer, static_shape, substitute


class FoldAffine(ir.passes.InPlacePass):
    """Fold Mul, Div, Add and Sub by a constant per output channel (or a scalar) into the Conv or Gemm before it.

    Constants that vary within a channel are declined. A Div by a constant that is not folded becomes a Mul.

    The function is unchanged up to float rounding; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in model.graph:
            if node.op_type in ("Add", "Sub", "Mul", "Div"):
                changed |= _fold(node) or (node.op_type == "Div" and _to_mul(node))
        return ir.passes.PassResult(model, changed)


def _fold(node: ir.Node) -> bool:
    index = 0 if constant(node.inputs[1]) is not None else 1
    x, other = node.inputs[index], node.inputs[1 - index]
    layer = x.producer() if x is not None else None
    shape = static_shape(x)
    if x is None or layer is None or shape is None or sole_consumer(x) is not node or not can_scale(layer):
        return False
    numbers = _per_channel(constant(other), shape)
    affine = None if numbers is None else _affine(node.op_type, numbers, constant_first=index == 1)
    if affine is None or shape != static_shape(node.outputs[0]):
        return False
    apply_affine(layer, affine)
    substitute(node, layer.outputs[0])
    return True


def _to_mul(node: ir.Node) -> bool:
    divisor = constant(node.inputs[1])
    if divisor is None or divisor.dtype.kind != "f" or not divisor.all():
        return False
    set_constant(node, 1, f"{node.name}_reciprocal", 1 / divisor)
    node.op_type = "Mul"
    return True


def _per_channel(array: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """The constant as float64 (channels,), channels being axis 1 of `shape`."""
    if array is None or array.ndim > len(shape):
        return None
    full = array.reshape([1] * (len(shape) - array.ndim) + list(array.shape)).astype(np.float64)
    if full.size != full.shape[1] or full.shape[1] not in (1, shape[1]):
        return None
    return np.broadcast_to(full.reshape(-1), (shape[1],))


def _affine(op_type: str, numbers: np.ndarray, *, constant_first: bool) -> Affine | None:
    ones, zeros = np.ones_like(numbers), np.zeros_like(numbers)
    if op_type == "Add":
        return Affine(ones, numbers)
    if op_type == "Sub":
        return Affine(-ones, numbers) if constant_first else Affine(ones, -numbers)
    if op_type == "Mul":
        return Affine(numbers, zeros)
    if constant_first or not numbers.all():
        return None
    return Affine(1 / numbers, zeros)
