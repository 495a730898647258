"""Writes small model files, sound and hostile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

FLOAT = onnx.TensorProto.FLOAT


def conv_model(opset: int = 13) -> onnx.ModelProto:
    """Conv, then Relu, batch symbolic."""
    weight = onnx.numpy_helper.from_array(np.ones((2, 3, 3, 3), np.float32), "w")
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
            helper.make_node("Relu", ["c"], ["y"], name="relu"),
        ],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("y", FLOAT, ["N", 2, 6, 6])],
        [weight],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def text_model(body: str, opset: int = 21, ir_version: int = 10) -> onnx.ModelProto:
    """A model in ONNX's text form."""
    return onnx.parser.parse_model(f'<ir_version: {ir_version}, opset_import: ["" : {opset}]>\n{body}')


def write(path: Path, model: onnx.ModelProto, change: Callable[[onnx.ModelProto], object] | None = None) -> Path:
    """Store the model, changed in place first; the file."""
    if change is not None:
        change(model)
    path.write_bytes(model.SerializeToString())
    return path
