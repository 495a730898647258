"""FPGA engines in SystemVerilog, for the synthesis of any vendor: parts that `edgeq.rtl` puts together."""
