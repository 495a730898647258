"""Kernels that every target can run: plain loops over 32-bit integers, no intrinsics."""
