"""Computes at compile time what does not depend on the graph inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes import common

from edgeq.passes.editing import add_constant, constant, static_shape

_QUANTIZERS = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"})
_RANDOM = frozenset({"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial"})
_OF_SHAPE = frozenset({"Shape", "Size"})


@dataclass(frozen=True)
class FoldConstants(ir.passes.InPlacePass):
    """Turn Constant nodes into initializers and nodes with constant inputs into their results.

    `Shape` of a value of static shape counts as constant. Quantizers stay: they say how a weight is stored.

    The function is unchanged; idempotent.

    Attributes:
        max_elements: Larger results are left to the graph.
    """

    max_elements: int = 2**22

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model).modified
        while self._fold_once(model):
            changed = True
            # A folded shape makes the shapes behind it known, which makes more `Shape` nodes constant.
            common.ShapeInferencePass()(model)
        return ir.passes.PassResult(model, changed)

    def _fold_once(self, model: ir.Model) -> bool:
        changed = False
        for node in model.graph:
            results = self._results(node, model.graph)
            if results is not None:
                _replace_by_constants(model.graph, node, results)
                changed = True
        return changed

    def _results(self, node: ir.Node, graph: ir.Graph) -> list[np.ndarray] | None:
        shapes = [static_shape(value) for value in node.outputs]
        if (
            node.op_type in _QUANTIZERS | _RANDOM
            or any(value.is_graph_output() for value in node.outputs)
            or any(shape is None or math.prod(shape) > self.max_elements for shape in shapes)
        ):
            return None
        if node.op_type in _OF_SHAPE:
            return _shape_result(node)
        if any(value is not None and constant(value) is None for value in node.inputs):
            return None
        return _evaluate(node, graph.opset_imports[""])


def _shape_result(node: ir.Node) -> list[np.ndarray] | None:
    shape = static_shape(node.inputs[0])
    if shape is None:
        return None
    if node.op_type == "Size":
        return [np.array(math.prod(shape), np.int64)]
    return [np.array(shape[node.attributes.get_int("start", 0) : node.attributes.get_int("end", None)], np.int64)]


def _evaluate(node: ir.Node, opset: int) -> list[np.ndarray] | None:
    """The outputs, by ONNX's reference implementation; None where it cannot compute them."""
    from onnx.reference import ReferenceEvaluator

    feeds = {value.name or "": constant(value) for value in node.inputs if value is not None}
    untyped = onnx.TypeProto()
    graph = onnx.helper.make_graph(
        [ir.to_proto(node)],
        "node",
        [onnx.helper.make_value_info(name, untyped) for name in feeds],
        [onnx.helper.make_value_info(value.name or "", untyped) for value in node.outputs],
    )
    try:
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
        results = ReferenceEvaluator(model).run(None, feeds)
    except Exception:  # whatever the reference cannot do stays a node, and the support check names it
        return None
    return [np.asarray(result) for result in results]


def _replace_by_constants(graph: ir.Graph, node: ir.Node, results: list[np.ndarray]) -> None:
    for value, result in zip(node.outputs, results, strict=True):
        name, value.name = value.name, None
        value.replace_all_uses_with(add_constant(graph, name or "constant", result))
    graph.remove(node, safe=True)
