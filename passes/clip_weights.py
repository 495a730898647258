"""Makes the scales of weights smaller where that costs less than it gains."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.open_layer import OpenLayer, open_layers
from edgeq.reconstruct.layer import Solution
from edgeq.reconstruct.scales import clipped_scale


class ClipWeights(ir.passes.InPlacePass):
    """Gives each output channel (or tensor) the scale of least mean square error of its weights, rounded to nearest.

    Weights must still be float: between `InsertQdq` and `FreezeWeights`. Needs no samples. Idempotent.

    Source: Banner et al., "Post-Training 4-Bit Quantization of Convolution Networks for Rapid-Deployment", NeurIPS
    2019, section 3; by search, as Nagel et al., arXiv:2106.08295, 2021, section 3.1.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        clipped = [_clip(layer) for layer in open_layers(model.graph)]
        return ir.passes.PassResult(model, modified=any(clipped))


def _clip(layer: OpenLayer) -> bool:
    """Whether the scales are others now."""
    weight, present, limits = layer.reference_weight(), layer.present(), layer.limits
    scale = clipped_scale(weight, layer.floor(present.bias), *limits, shared=layer.shared)
    layer.store(Solution(np.rint(weight / scale[..., None]).clip(*limits), scale, present.bias))
    return bool((scale != present.scale).any())
