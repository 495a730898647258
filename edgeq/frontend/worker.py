"""The child process that runs ONNX's C++ code on untrusted models. Reads a model on stdin, writes one on stdout.

Run by its path, so that it imports nothing of edgeq:  python worker.py OPSET MAX_ELEMENTS MAX_BYTES
"""

from __future__ import annotations

import importlib.util
import math
import os
import resource
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto


def adopt_onnx() -> None:
    """Lets `onnx`'s compiled modules be imported without the package's own `__init__`.

    That one loads NumPy and much more of which nothing is used here: four fifths of the child's time.
    """
    found = importlib.util.find_spec("onnx")
    if found is None or found.submodule_search_locations is None:
        sys.exit("onnx is not installed")
    package = ModuleType("onnx")
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["onnx"] = package


def convert(model: bytes, opset: int, max_elements: int) -> bytes:
    """Checked, converted to `opset`, shapes inferred; models are serialized."""
    from onnx import onnx_cpp2py_export as core

    # The checker wants a shape on every output, and exporters may leave it out: infer first. Propagating data
    # allocates what a ConstantOfShape asks for, so sizes are looked at before.
    model = core.shape_inference.infer_shapes(model, False, False, False)
    parsed = parse(model)
    refuse_large(parsed, max_elements)
    core.checker.check_model(model, False, False, False)
    if all(entry.version != opset for entry in parsed.opset_import if entry.domain in ("", "ai.onnx")):
        model = core.version_converter.convert_version(model, opset)
    model = core.shape_inference.infer_shapes(model, True, True, True)
    refuse_large(parse(model), max_elements)
    return model


def parse(model: bytes) -> ModelProto:
    """A serialized model as a message."""
    from onnx.onnx_ml_pb2 import ModelProto

    return ModelProto.FromString(model)


def refuse_large(model: ModelProto, max_elements: int) -> None:
    """Raise ValueError where a value's inferred shape has more than `max_elements`."""
    for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        elements = math.prod(d.dim_value for d in value.type.tensor_type.shape.dim if d.HasField("dim_value"))
        if elements > max_elements:
            raise ValueError(f"value {value.name!r} has {elements} elements; the limit is {max_elements}")


def main() -> None:
    """Convert within the memory limit of the command line."""
    opset, max_elements, max_bytes = (int(text) for text in sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not reach the answer
    adopt_onnx()
    try:
        result = convert(sys.stdin.buffer.read(), opset, max_elements)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    with os.fdopen(answer, "wb") as stream:
        stream.write(result)


if __name__ == "__main__":
    main()
