"""Yosys maps memories of odd shapes to the block RAMs of the formulas."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from hls.simulation import need
from rtl.test_synthesis import cells

from edgeq.rtl.memory import Memory
from edgeq.rtl.rom import memories, rom
from edgeq.rtl.sources import ENGINES

SHAPES = [(24, 1300), (64, 1100)]
"""Widths and depths that fill no whole number of block RAMs, in words or in bits of a word."""

FIFO = """module fifo{i}(input clk, rst, in_valid, out_ready, input [{top}:0] in_data,
        output in_ready, out_valid, output [{top}:0] out_data);
    edgeq_fifo #(.WIDTH({width}), .DEPTH({depth})) part(.*);
endmodule
"""
ROM = """module rom{i}(input clk, rst, next, output [{top}:0] data);
    edgeq_rom #(.WIDTH({width}), .DEPTH({depth}), .FILE("{i}.hex")) part(.*);
endmodule
"""


def test_block_rams_of_odd_shapes(tmp_path: Path) -> None:
    need("yosys")
    text, expected = "", {}
    for i, (width, depth) in enumerate(SHAPES):
        table = rom("table", np.random.default_rng(i).integers(-120, 120, (depth, width // 8)), 8, width // 8)
        (tmp_path / f"{i}.hex").write_text(table.text)
        text += "".join(form.format(i=i, width=width, depth=depth, top=width - 1) for form in (FIFO, ROM))
        expected |= {f"fifo{i}": Memory(width, depth).blocks, f"rom{i}": memories([table])[0].blocks}
    instances = "".join(f"(* keep *) {name} part_{name}(); " for name in expected)
    (tmp_path / "wrapped.sv").write_text(f"{text}module whole; {instances}endmodule")
    sources = f"{ENGINES / 'edgeq_fifo.sv'} {ENGINES / 'edgeq_rom.sv'} wrapped.sv"
    script = [f"read_verilog -defer -sv {sources}", "synth_xilinx -family xc7 -top whole -run begin:map_ffram"]
    script += [f"tee -q -o {name}.txt stat -top {name}" for name in expected]
    subprocess.run(["yosys", "-q", "-p", "; ".join(script)], cwd=tmp_path, check=True)
    assert {name: cells(tmp_path / f"{name}.txt")[1] for name in expected} == expected


def test_words_that_are_alike_take_no_memory() -> None:
    values = np.full((600, 8), 3)
    assert memories([rom("table", values, 8, 8)])[0].blocks == 0
    values[1, 0] = 2
    assert memories([rom("table", values, 8, 8)])[0].blocks == 1


def test_small_memories_are_logic() -> None:
    assert (Memory(8, 127).blocks, Memory(8, 128).blocks) == (0, 1)
