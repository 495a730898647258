"""Kernels for processors with vectors (x86-64, Neon, RISC-V V): one design over a table of multiply-accumulates."""
