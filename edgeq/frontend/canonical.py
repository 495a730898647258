"""The passes that every model goes through, in order."""

from __future__ import annotations

from onnx_ir.passes import PassBase

from edgeq.passes.bound_masks import BoundMasks
from edgeq.passes.fold_affine import FoldAffine
from edgeq.passes.fold_batchnorm import FoldBatchnorm
from edgeq.passes.fold_constants import FoldConstants
from edgeq.passes.fuse_activation import FuseActivation
from edgeq.passes.fuse_gelu import FuseGelu
from edgeq.passes.fuse_layer_norm import FuseLayerNorm
from edgeq.passes.fuse_matmul_to_gemm import FuseMatmulToGemm
from edgeq.passes.fuse_pad import FusePad
from edgeq.passes.layout import Layout
from edgeq.passes.lower_gather import LowerGather
from edgeq.passes.lower_reduce_mean import LowerReduceMean
from edgeq.passes.normalize_conv import NormalizeConv
from edgeq.passes.normalize_recurrent import NormalizeRecurrent
from edgeq.passes.remove_dead import RemoveDead
from edgeq.passes.remove_identity import RemoveIdentity
from edgeq.passes.tabulate_tokens import TabulateTokens


def canonical_passes() -> list[PassBase]:
    """Float (or QDQ) ONNX at opset 21 to the form that calibration, quantization and the builder expect."""
    return [
        FoldConstants(),
        BoundMasks(),
        RemoveIdentity(),
        NormalizeConv(),
        NormalizeRecurrent(),
        FuseLayerNorm(),
        FuseGelu(),
        LowerReduceMean(),
        LowerGather(),
        TabulateTokens(),
        FuseMatmulToGemm(),
        Layout(),
        FoldBatchnorm(),
        FoldAffine(),
        FusePad(),
        FuseActivation(),
        RemoveDead(),
    ]
