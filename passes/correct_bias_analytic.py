"""Corrects biases for the mean error of rounded weights, without any data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.channel_moments import channel_moments
from edgeq.passes.decline import Decline, silently
from edgeq.passes.editing import static_shape
from edgeq.passes.open_layer import OpenLayer, open_layers, require_open_layers
from edgeq.passes.weighted import weight_of


@dataclass(frozen=True)
class CorrectBiasAnalytic(ir.passes.InPlacePass):
    """Analytic bias correction: takes from each bias the mean that the error of the layer's weights adds to its output.

    The mean of a layer's input comes from the batch normalizations that were folded into the layers before it, so no
    data is needed; zeros of padding count as what they are. Layers to whose input no statistics lead (the first one,
    what follows max-pooling, models exported without batch normalization) are declined. Weights are left as they are.
    Idempotent.

    Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
    section 4.2, equations 17 and 18.

    Attributes:
        decline: Told which layers are not corrected, and why.
    """

    decline: Decline = silently

    def requires(self, model: ir.Model) -> None:
        require_open_layers(model)

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        moments = channel_moments(model.graph)
        changed = False
        for layer in open_layers(model.graph):
            known = moments.get(layer.node.inputs[0])  # type: ignore[arg-type]
            if not layer.takes_bias:
                self.decline(f"{layer.node.name}: a {layer.node.op_type} has no bias")
            elif known is None:
                self.decline(f"{layer.node.name}: no statistics of batch normalization lead to its input")
            else:
                layer.store_bias(layer.reference_bias() - _mean_error(layer, known.mean))
                changed = True
        return ir.passes.PassResult(model, changed)


def _mean_error(layer: OpenLayer, mean: np.ndarray) -> np.ndarray:
    """What the error of the weights adds to the outputs on average: float32, (groups, outputs).

    Args:
        mean: Of the input's channels.
    """
    error = layer.present().weight.astype(np.float64) - layer.reference_weight()
    expected = mean.reshape(layer.groups, -1, 1) * (_coverage(layer.node) if layer.node.op_type == "Conv" else 1.0)
    return np.einsum("gok,gk->go", error, expected.reshape(layer.groups, -1)).astype(np.float32)


def _coverage(node: ir.Node) -> np.ndarray:
    """The share of output positions at which a tap of the kernel is not in the padding: (taps,)."""
    size, kernel = (static_shape(value) or () for value in (node.inputs[0], weight_of(node)))
    results, rank = (static_shape(node.outputs[0]) or ())[2:], len(kernel) - 2
    attributes = node.attributes
    strides, dilations = (attributes.get_ints(name, (1,) * rank) or () for name in ("strides", "dilations"))
    pads = attributes.get_ints("pads", (0,) * 2 * rank) or ()
    shares = np.ones(1)
    for axis in range(rank):
        starts = np.arange(results[axis]) * strides[axis] - pads[axis]
        at = starts[:, None] + np.arange(kernel[2 + axis]) * dilations[axis]
        inside = ((at >= 0) & (at < size[2 + axis])).mean(axis=0)
        shares = np.outer(shares, inside).reshape(-1)
    return shares
