"""FPGA kernels: the arithmetic of one output row as TIR, folded onto so many multipliers."""
