"""Vitis HLS C++, simulated by any C++ compiler."""

from edgeq.fpga.backend import Backend
from edgeq.hls.cost import stage_cost
from edgeq.hls.sources import sources, testbench

BACKEND = Backend(
    "schedule model, not synthesized", stage_cost, sources, testbench, "csim", ("g++", "make"), turns=True
)
