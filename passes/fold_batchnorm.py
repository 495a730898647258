"""Folds batch normalization into the layer before it, and keeps its statistics for data-free methods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.channels import Affine, apply_affine, can_scale
from edgeq.passes.editing import add_constant, constant, insert_node, sole_consumer, static_shape, substitute

META_KEY = "edgeq.batchnorm"
"""Where `BatchNorm` lies in the `.meta` of the value that was normalized."""


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """The statistics of a folded BatchNormalization, each float32 (channels,).

    After normalization, channel c of the value has mean beta[c] and standard deviation |gamma[c]| over the training
    data (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, section 4.2.1).

    Attributes:
        epsilon: Added to `variance` before the square root.
    """

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float

    def affine(self) -> Affine:
        """y = x * gain + offset, which normalization is at inference; float64 inside."""
        with np.errstate(
            invalid="ignore", divide="ignore"
        ):  # a negative variance gives NaN, which the frontend refuses
            gain = self.gamma.astype(np.float64) / np.sqrt(self.variance.astype(np.float64) + self.epsilon)
        return Affine(gain, self.beta - self.mean * gain)


class FoldBatchnorm(ir.passes.InPlacePass):
    """Fold BatchNormalization into the Conv or Gemm before it; one that stands alone becomes a depthwise 1x1 Conv.

    On (batch, channels) input without a Gemm before it, it becomes Mul and Add. The statistics go to
    `.meta["edgeq.batchnorm"]` of the resulting value. Training mode and statistics that are not constant are declined.

    The function is unchanged up to float rounding; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in model.graph:
            statistics = _statistics(node) if node.op_type == "BatchNormalization" else None
            if statistics is not None:
                _fold(node, statistics)
                changed = True
        return ir.passes.PassResult(model, changed)


def _statistics(node: ir.Node) -> BatchNorm | None:
    arrays = [array for value in node.inputs[1:] if (array := constant(value)) is not None]
    if len(arrays) != 4 or len(node.outputs) != 1 or bool(node.attributes.get_int("training_mode", 0)):
        return None
    if static_shape(node.inputs[0]) is None:
        return None
    gamma, beta, mean, variance = arrays
    return BatchNorm(gamma, beta, mean, variance, node.attributes.get_float("epsilon", 1e-5))


def _fold(node: ir.Node, statistics: BatchNorm) -> None:
    source = node.inputs[0]
    assert source is not None
    layer = source.producer()
    if layer is not None and sole_consumer(source) is node and can_scale(layer):
        apply_affine(layer, statistics.affine())
        substitute(node, layer.outputs[0])
        layer.outputs[0].meta[META_KEY] = statistics
    else:
        _stand_alone(node, source, statistics)


def _stand_alone(node: ir.Node, source: ir.Value, statistics: BatchNorm) -> None:
    graph, affine, rank = node.graph, statistics.affine(), len(source.shape or ())
    assert graph is not None
    gain = affine.gain.astype(np.float32)
    offset = add_constant(graph, f"{node.name}_offset", affine.offset.astype(np.float32))
    name = node.outputs[0].name or "normalized"
    if rank > 2:
        ones = [1] * (rank - 2)
        weight = add_constant(graph, f"{node.name}_weight", gain.reshape(-1, 1, *ones))
        window = {"kernel_shape": ones, "strides": ones, "dilations": ones, "pads": [0] * 2 * len(ones)}
        result = insert_node(node, "Conv", [source, weight, offset], node.name or "", name, group=len(gain), **window)
    else:
        scaled = insert_node(
            node, "Mul", [source, add_constant(graph, f"{node.name}_gain", gain)], f"{node.name}_gain", f"{name}_scaled"
        )
        scaled.shape = source.shape
        result = insert_node(node, "Add", [scaled, offset], node.name or "", name)
    result.shape = node.outputs[0].shape
    result.meta[META_KEY] = statistics
    substitute(node, result)
