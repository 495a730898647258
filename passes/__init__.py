"""ONNX to ONNX rewrites, one per file, named for what they do."""
