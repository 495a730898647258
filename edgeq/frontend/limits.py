"""What a model file may ask for at most: model files are untrusted."""

from __future__ import annotations

MIN_OPSET = 7
"""Oldest opset of the default ONNX domain that is read."""

OPSET = 21
"""The opset that every model is converted to: the first with int4 and blocked quantization."""

IR_VERSION = 10
"""The ONNX IR version that goes with `OPSET`; onnxruntime reads it."""

MAX_ELEMENTS = 2**28
"""Elements of one tensor, declared or inferred."""

MAX_FILE_BYTES = 2**31 - 1
"""Size of the model file: protobuf's own limit."""

WORKER_SECONDS = 120
"""Time that a child process gets for one model."""

WORKER_BYTES = 2 * 2**30
"""Address space that a child process gets."""
