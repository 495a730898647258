"""A pass: sets the smallest weights to zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.plugins import PassPlugin


@dataclass(frozen=True)
class PruneWeights(ir.passes.InPlacePass):
    """Magnitude pruning of every Conv and Gemm: changes the function, idempotent.

    Source: Han et al., "Learning both Weights and Connections for Efficient Neural Networks", NeurIPS 2015, section 3.

    Attributes:
        threshold: Share of a tensor's largest weight below which others become zero.
    """

    threshold: float = 0.05

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        weighted = [node for node in model.graph if node.op_type in {"Conv", "Gemm"}]
        pruned = [self._prune(node.inputs[1]) for node in weighted]
        return ir.passes.PassResult(model, modified=any(pruned))

    def _prune(self, value: ir.Value | None) -> bool:
        """Whether a weight is zero now that was not."""
        if value is None or value.const_value is None:
            return False
        weight = value.const_value.numpy()
        small = np.abs(weight) < self.threshold * np.abs(weight).max(initial=0)
        value.const_value = ir.tensor(np.where(small, 0, weight).astype(weight.dtype), name=value.name)
        return bool((weight[small] != 0).any())


PLUGIN = PassPlugin(after="absorb_high_bias", make=lambda samples, scheme: PruneWeights())
