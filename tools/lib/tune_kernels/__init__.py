"""Behind `tools/tune_kernels`."""
