"""What a model consists of, node by node: `edgeq inspect MODEL`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import onnx_ir as ir

from edgeq.frontend.support import unsupported_reason
from edgeq.passes.editing import parameter, static_shape


@dataclass(frozen=True)
class NodeSurvey:
    """One node of a canonical model.

    Attributes:
        shape: Of the first output; None where it is not known.
        macs: Multiply-accumulates per inference.
        params: Elements of its constant float inputs, weights and biases.
        unsupported_reason: None where edgeq can compile it.
    """

    name: str
    op: str
    shape: tuple[int, ...] | None
    macs: int
    params: int
    unsupported_reason: str | None


def survey(model: ir.Model) -> list[NodeSurvey]:
    """Every node of a canonical model, in order."""
    return [
        NodeSurvey(
            node.name or "",
            node.op_type,
            static_shape(node.outputs[0]),
            node_macs(node),
            _params(node),
            unsupported_reason(node),
        )
        for node in model.graph
    ]


def node_macs(node: ir.Node) -> int:
    """Multiply-accumulates of Conv, Gemm and MatMul; 0 for everything else."""
    y = static_shape(node.outputs[0])
    weight = static_shape(node.inputs[1]) if node.op_type in ("Conv", "Gemm", "MatMul") else None
    if y is None or weight is None:
        return 0
    if node.op_type == "Conv":
        return math.prod(y) * math.prod(weight[1:])
    x = static_shape(node.inputs[0])
    return math.prod(y) * x[-1] if x else 0


def _params(node: ir.Node) -> int:
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        return 0
    floats = [v for v in node.inputs if v is not None and v.dtype == ir.DataType.FLOAT and parameter(v)]
    return sum(math.prod(static_shape(value) or ()) for value in floats)
