"""FPGA packages in SystemVerilog: stages are engines of `edgeq.targets.rtl`, streams are words with valid and ready."""
