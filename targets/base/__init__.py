"""Kernels for Arm cores without the DSP extension (Cortex-M0, M0+, M3): several channels share each input element."""
