"""Kernels for Arm cores with the DSP extension (Cortex-M4, M7, M33): two 16-bit products per instruction."""
