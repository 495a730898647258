"""Kernels for Arm cores with the M-profile Vector Extension (Cortex-M55, M85): 16 products of bytes per instruction."""
