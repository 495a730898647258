"""One inference as a function without arguments: of a package as a shared library, and of onnxruntime."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

Inference = Callable[[], object]

PEER_OPSET = 17
"""Newer ones make onnxruntime 1.31 fail: it gives a fused QLinearAveragePool attributes that it does not have."""


def package_inference(package: Path, name: str = "model") -> Inference:
    """Builds the shared library and calls it through the package's own loader, with zeros."""
    for command in (("-S", ".", "-B", "build", "-DBUILD_SHARED_LIBS=ON"), ("--build", "build")):
        subprocess.run(["cmake", *command], cwd=package, check=True, capture_output=True)
    spec = importlib.util.spec_from_file_location(name, package / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.Model()
    types = {"b": np.int8, "B": np.uint8, "h": np.int16}
    inputs = {port: np.zeros(shape, types[form]) for port, (form, shape, *_) in module.INPUTS.items()}
    return lambda: model(**inputs)


def onnxruntime_inference(qdq: Path) -> Inference:
    """The QDQ model with all optimizations, on one thread; it quantizes its float inputs, zeros, itself."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = _accepted(onnx.load(qdq))
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = {
        port.name: np.zeros([d if isinstance(d, int) else 1 for d in port.shape], np.float32)
        for port in session.get_inputs()
    }
    return lambda: session.run(None, feeds)


def _accepted(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model in the form that onnxruntime fuses without failing."""
    model.opset_import[0].version = PEER_OPSET
    for node in (node for node in model.graph.node if node.op_type == "AveragePool"):
        newer = [attribute for attribute in node.attribute if attribute.name == "dilations"]
        assert all(set(attribute.ints) == {1} for attribute in newer)
        for attribute in newer:
            node.attribute.remove(attribute)
    return model
