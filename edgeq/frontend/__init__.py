"""A model file to checked, simplified, shape-inferred, canonical ONNX."""
