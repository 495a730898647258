"""The child process that runs C++ libraries on untrusted models. Reads a model on stdin, writes one on stdout.

Run by its path, so that it imports nothing of edgeq:  python worker.py convert|simplify OPSET MAX_BYTES
"""

from __future__ import annotations

import os
import resource
import sys

import onnx


def convert(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Checked, converted to `opset`, shapes inferred."""
    # The checker wants a shape on every output, and exporters may leave it out: infer first.
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    onnx.checker.check_model(model)
    if all(entry.version != opset for entry in model.opset_import if entry.domain in ("", "ai.onnx")):
        model = onnx.version_converter.convert_version(model, opset)
    return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def simplify(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Simplified by onnxsim; batch normalization stays, as its statistics are needed later."""
    import onnxsim

    simplified, sound = onnxsim.simplify(model, skip_fuse_bn=True)
    if not sound:
        raise ValueError("onnxsim's own check of the simplified model failed")
    return simplified


def main() -> None:
    """Run the task named on the command line within its memory limit."""
    task = {"convert": convert, "simplify": simplify}[sys.argv[1]]
    opset, max_bytes = int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not reach the answer
    model = onnx.ModelProto.FromString(sys.stdin.buffer.read())
    try:
        result = task(model, opset)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    with os.fdopen(answer, "wb") as stream:
        stream.write(result.SerializeToString())


if __name__ == "__main__":
    main()
