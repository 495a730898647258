"""One scale and zero point for all channels of a LayerNormalization, which lose nothing by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.passes.decline import Decline, silently
from edgeq.passes.norm_channels import NormReaders
from edgeq.passes.rescale_norms import Judge, rescale_norms


@dataclass(frozen=True)
class ReparameterizeNorms(ir.passes.InPlacePass):
    """Scale reparameterization: what channel-wise quantizers would do, with one quantizer for the layer.

    Channel j has the scale s_j and the zero point z_j of its own range. With s and z the means of these,
    y_j becomes (y_j + s_j * (z_j - z)) / (s_j / s), which fills one range, in gamma and beta; the layers behind make up
    for it. That is `SmoothNorms` with alpha = 1, but for the zero points, which are integers. Leaves the function
    unchanged up to float rounding. Idempotent but for that. Declines normalizations that something else than layers
    reads, such as a residual sum.

    Sources: Li et al., "RepQ-ViT: Scale Reparameterization for Post-Training Quantization of Vision Transformers", ICCV
    2023, section 3.2, equations 8 to 13; Li et al., "RepQuant", arXiv:2402.05628, 2024, section 3.3.

    Attributes:
        samples: Inputs of the model; 32 are enough.
        judge, least_gain: See `SmoothNorms`.
        bits: Of the activations.
        decline: Told what is not changed, and why.
    """

    samples: Samples
    judge: Judge | None = None
    bits: int = 8
    least_gain: float = 0.01
    decline: Decline = silently

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        return rescale_norms(model, self.samples, self._factors, self.judge, self.least_gain, self.decline)

    def _factors(self, _: NormReaders, lo: np.ndarray, hi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scale = (hi - lo) / ((1 << self.bits) - 1)
        varies = scale > 0
        own = np.where(varies, scale, scale.mean() or 1)
        zero = np.rint(-lo / own)
        return own / own.mean(), -own * (zero - np.rint(zero.mean()))
