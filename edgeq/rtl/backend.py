"""SystemVerilog, simulated by Verilator and synthesized by Yosys."""

from edgeq.fpga.backend import Backend
from edgeq.rtl.cost import stage_cost
from edgeq.rtl.sources import sources, testbench

BACKEND = Backend(
    "modelled: cycles, DSP, BRAM as in simulation and synthesis; LUT, FF fitted",
    stage_cost,
    sources,
    testbench,
    "sim",
    ("verilator", "g++", "make"),
    turns=False,
)
