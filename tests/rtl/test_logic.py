"""Look-up tables and flip-flops of a stage that the weights were not fitted to."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from hls.simulation import need
from rtl.engines import convolution, design, write

from edgeq.targets.hls.fold import Fold


def test_logic_of_a_stage_that_no_weight_has_seen(tmp_path: Path) -> None:
    need("yosys")
    made = design([convolution((1, 6, 10, 6), 12, Fold(4, 3), kernel=(2, 3), strides=(2, 1), weight_bits=4)])
    write(made, tmp_path, samples=1)
    files = " ".join(f"src/{path.name}" for path in (tmp_path / "src").glob("*.sv"))
    script = f"read_verilog -defer -sv {files}; synth_xilinx -family xc7 -top random_stage0; tee -q -o cells.txt stat"
    subprocess.run(["yosys", "-q", "-p", script], cwd=tmp_path, check=True)
    cells = (tmp_path / "cells.txt").read_text().rpartition("design hierarchy")[2]
    tables, flip_flops = (sum(map(int, re.findall(rf"\s{name}\s+(\d+)", cells))) for name in (r"LUT\d", "FD[RSPC]E"))
    (cost,) = made.costs
    assert abs(cost.ff / flip_flops - 1) < 0.05, (cost, flip_flops)
    assert abs(cost.lut / tables - 1) < 0.15, (cost, tables)
