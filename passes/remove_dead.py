"""Removes what no graph output needs."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common


class RemoveDead(ir.passes.InPlacePass):
    """Remove unused nodes, initializers and opset imports. Graph inputs and outputs stay.

    The function is unchanged; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        return ir.passes.Sequential(common.RemoveUnusedNodesPass(), common.RemoveUnusedOpsetsPass()).call(model)
