"""Divides what LayerNormalization puts out by factors of its channels, so that their ranges become alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.passes.decline import Decline, silently
from edgeq.passes.norm_channels import NormReaders
from edgeq.passes.rescale_norms import Judge, rescale_norms


@dataclass(frozen=True)
class SmoothNorms(ir.passes.InPlacePass):
    """SmoothQuant: outliers of activations move into weights as far as these bear them, and offsets into biases.

    Channel j of the normalization's output is centred, and divided by s_j = extent_j^alpha / weight_j^(1 - alpha), in
    gamma and beta; the layers behind it make up for both. Leaves the function unchanged up to float rounding. Nearly
    idempotent. Declines normalizations that something else than layers reads, such as a residual sum.

    Sources: Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models",
    ICML 2023, section 4, equations 3 and 4; Tai and Wu, "MPTQ-ViT: Mixed-Precision Post-Training Quantization for
    Vision Transformer", arXiv:2401.14895, 2024, section 3.1 (SQ-b), with the middle of the range in place of the mean,
    as quantizers are asymmetric here.

    Attributes:
        samples: Inputs of the model; 32 are enough.
        judge: Measures the loss that a float model suffers when it is quantized, as `OutputNoise` does. A normalization
            stays as it is unless the loss falls by `least_gain`. None asks nobody.
        alpha: How much of the difference between channels moves into the weights: 0 to 1.
        center: Whether channels are centred.
        least_gain: Share of the measured loss.
        decline: Told what is not smoothed, and why.
    """

    samples: Samples
    judge: Judge | None = None
    alpha: float = 0.5
    center: bool = True
    least_gain: float = 0.01
    decline: Decline = silently

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        return rescale_norms(model, self.samples, self._factors, self.judge, self.least_gain, self.decline)

    def _factors(self, site: NormReaders, lo: np.ndarray, hi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        offset = (lo + hi) / 2 if self.center else np.zeros_like(lo)
        extent = np.maximum(hi - offset, offset - lo)
        tiny = np.finfo(np.float32).tiny
        factor = np.maximum(extent, tiny) ** self.alpha / np.maximum(site.largest_weight, tiny) ** (1 - self.alpha)
        return np.where((extent > 0) & (site.largest_weight > 0), factor, 1), offset
