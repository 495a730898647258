"""SystemVerilog, simulated by Verilator and synthesized by Yosys."""

from edgeq.fpga.backend import Backend
from edgeq.rtl.cost import stage_cost
from edgeq.rtl.sources import sources, testbench

BACKEND = Backend(
    "formulas checked by simulation (cycles) and Yosys synthesis (DSP, block RAM exact; LUT, FF fitted)",
    stage_cost,
    sources,
    testbench,
    "sim",
    ("verilator", "g++", "make"),
)
