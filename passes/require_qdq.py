"""Refuses a quantized model in which some tensors stayed float."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from edgeq.errors import UnsupportedError
from edgeq.passes.quantization_points import dequantizer_of, quantized_values
from edgeq.passes.weighted import is_weighted


@dataclass(frozen=True)
class RequireQdq(ir.passes.InPlacePass):
    """Changes nothing; checks that every value that should have integers of its own is quantized at once.

    Raises:
        UnsupportedError: Naming the first float tensor, and the node that makes it (the one that uses it, of a weight).
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        for value in quantized_values(model.graph):
            users = value.consumers()
            if value.is_graph_output() or any(user.op_type != "QuantizeLinear" for user in users):
                raise _float_tensor(value, value.producer())
        for node in model.graph:
            if is_weighted(node) and dequantizer_of(node.inputs[1]) is None:
                raise _float_tensor(node.inputs[1], node)
        return ir.passes.PassResult(model, modified=False)


def _float_tensor(value: ir.Value | None, node: ir.Node | None) -> UnsupportedError:
    return UnsupportedError(
        "a tensor of the quantized model has no QuantizeLinear",
        node=None if node is None else node.name,
        tensor=None if value is None else value.name,
        fix="quantize it too when you export, or give edgeq the float model and calibration data",
    )
