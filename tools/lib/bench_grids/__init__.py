"""Weights on other grids than the integers, simulated in ONNX."""
