"""FPGA packages: the integer program as a dataflow of streaming stages in Vitis HLS C++."""
