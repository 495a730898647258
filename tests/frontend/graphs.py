"""Small models as text, and what is asked of every pass."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
from onnx_ir.passes import PassBase, common

from edgeq.pipeline import run_passes

HEADER = '<ir_version: 10, opset_import: ["" : 21]>\n'


def parse(text: str, constants: Mapping[str, np.ndarray] | None = None) -> ir.Model:
    """A model at opset 21 from ONNX's text form, e.g. `g (float[1,3] x) => (float[1,3] y) { y = Relu(x) }`.

    Args:
        constants: Initializers by name, beside those that the text defines.
    """
    proto = onnx.parser.parse_model(HEADER + text)
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(a, name) for name, a in (constants or {}).items())
    for number, node in enumerate(proto.graph.node):
        node.name = node.name or f"n{number}"
    model = ir.from_proto(proto)
    common.ShapeInferencePass()(model)
    assert all(value.shape is not None for node in model.graph for value in node.outputs), "shape inference failed"
    return model


def ops(model: ir.Model) -> list[str]:
    """Operators in order."""
    return [node.op_type for node in model.graph]


def run(model: ir.Model | onnx.ModelProto | str, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """All outputs, by onnxruntime without its own rewrites."""
    source = ir.to_proto(model) if isinstance(model, ir.Model) else model
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        source if isinstance(source, str) else source.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, dict(feeds))


def random_feeds(model: ir.Model, seed: int = 0) -> dict[str, np.ndarray]:
    """Standard normal inputs; tokens 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    return {str(value.name): _random(value, rng) for value in model.graph.inputs}


def _random(value: ir.Value, rng: np.random.Generator) -> np.ndarray:
    assert value.shape is not None and value.dtype is not None
    if value.dtype.is_integer():
        return rng.integers(0, 3, value.shape.numpy())
    return rng.standard_normal(value.shape.numpy()).astype(np.float32)


def difference(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """Largest difference between two lists of outputs, relative to the largest value of each output."""
    assert [x.shape for x in a] == [x.shape for x in b]
    pairs = [(x.astype(np.float64), y.astype(np.float64)) for x, y in zip(a, b, strict=True)]
    return max(float(np.abs(x - y).max() / (np.abs(x).max() + 1e-9)) for x, y in pairs)


def apply(model: ir.Model, *passes: PassBase, tolerance: float = 1e-5) -> ir.Model:
    """The model after the passes, which must keep interface and function, and find nothing to do when run again."""
    names = [value.name for value in (*model.graph.inputs, *model.graph.outputs)]
    feeds = random_feeds(model)
    before = run(model, feeds)
    result, _ = run_passes(model, passes)
    assert [value.name for value in (*result.graph.inputs, *result.graph.outputs)] == names
    assert difference(before, run(result, feeds)) <= tolerance
    again, records = run_passes(result.clone(), passes)
    assert not any(record.changed for record in records), records
    assert ops(again) == ops(result)
    return result
