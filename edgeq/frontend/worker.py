"""The child process that runs ONNX's C++ code on untrusted models. Reads a model on stdin, writes one on stdout.

Run by its path, so that it imports nothing of edgeq:  python worker.py OPSET MAX_ELEMENTS MAX_BYTES
"""

from __future__ import annotations

import math
import os
import resource
import sys

import onnx


def convert(model: onnx.ModelProto, opset: int, max_elements: int) -> onnx.ModelProto:
    """Checked, converted to `opset`, shapes inferred."""
    # The checker wants a shape on every output, and exporters may leave it out: infer first. Propagating data
    # allocates what a ConstantOfShape asks for, so sizes are looked at before.
    model = onnx.shape_inference.infer_shapes(model)
    refuse_large(model, max_elements)
    onnx.checker.check_model(model)
    if all(entry.version != opset for entry in model.opset_import if entry.domain in ("", "ai.onnx")):
        model = onnx.version_converter.convert_version(model, opset)
    model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    refuse_large(model, max_elements)
    return model


def refuse_large(model: onnx.ModelProto, max_elements: int) -> None:
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
    model = onnx.ModelProto.FromString(sys.stdin.buffer.read())
    try:
        result = convert(model, opset, max_elements)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    with os.fdopen(answer, "wb") as stream:
        stream.write(result.SerializeToString())


if __name__ == "__main__":
    main()
