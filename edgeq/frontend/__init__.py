"""A model file to checked, shape-inferred, canonical ONNX."""

from edgeq.frontend.load import load_model

__all__ = ["load_model"]
