"""Scaling the output channels of a layer: what batch normalization and constant Mul and Add fold into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import constant, set_constant


@dataclass(frozen=True, eq=False)
class Affine:
    """y = x * gain + offset per channel; each float64, (channels,)."""

    gain: np.ndarray
    offset: np.ndarray


def can_scale(layer: ir.Node) -> bool:
    """Whether the node is a Conv or canonical Gemm with constant weight and constant (or no) bias."""
    weight = constant(layer.inputs[1]) if len(layer.inputs) > 1 else None
    bias = layer.inputs[2] if len(layer.inputs) > 2 else None
    if weight is None or (bias is not None and constant(bias) is None):
        return False
    return layer.op_type == "Conv" or (layer.op_type == "Gemm" and is_canonical_gemm(layer))


def is_canonical_gemm(node: ir.Node) -> bool:
    """y = x @ W^T + b with b of shape (outputs,), nothing scaled."""
    attributes, weight = node.attributes, constant(node.inputs[1])
    bias = constant(node.inputs[2]) if len(node.inputs) > 2 else None
    return (
        not attributes.get_int("transA", 0)
        and bool(attributes.get_int("transB", 0))
        and attributes.get_float("alpha", 1.0) == 1.0
        and attributes.get_float("beta", 1.0) == 1.0
        and (bias is None or (weight is not None and bias.shape == weight.shape[:1]))
    )


def apply_affine(layer: ir.Node, affine: Affine) -> None:
    """Scale a layer for which `can_scale` holds: its output becomes output * gain + offset."""
    weight = constant(layer.inputs[1])
    bias = constant(layer.inputs[2]) if len(layer.inputs) > 2 else None
    assert weight is not None
    gain = affine.gain.reshape(-1, *[1] * (weight.ndim - 1))
    shifted = affine.offset if bias is None else bias * affine.gain + affine.offset
    set_constant(layer, 1, f"{layer.name}_weight", (weight * gain).astype(weight.dtype))
    set_constant(layer, 2, f"{layer.name}_bias", shifted.astype(weight.dtype))
