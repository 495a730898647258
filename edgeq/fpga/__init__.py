"""What FPGA packages share: the program as a dataflow of streaming stages, folded into the budget of a device."""
