"""Schemes, quantization parameters, fixed-point arithmetic, lookup tables."""
