"""Yosys finds the DSP slices and block RAMs of the formulas."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from hls.simulation import need
from rtl.engines import (
    Folded,
    add,
    concatenation,
    convolution,
    dense,
    design,
    lut,
    mul,
    pad,
    pool,
    small_biases,
    softmax,
    write,
)

from edgeq.targets.hls.fold import Fold

ENGINES: dict[str, Folded] = {
    "memories of rows and weights": convolution((1, 12, 20, 16), 24, Fold(2, 4)),
    "depthwise": convolution((1, 7, 7, 16), 16, Fold(4, 1), groups=16, weight_bits=4),
    "biases that are small": small_biases(convolution((1, 4, 4, 1), 64, Fold(16, 1))),
    "dense": dense(2, 64, 32, Fold(2, 2)),
    "average": pool(False, Fold(2, 1)),
    "maximum": pool(True, Fold(1, 1)),
    "sum": add(8),
    "table": lut(8),
    "softmax": softmax(1, 10),
    "product": mul(8),
    "padding": pad(),
    "concatenation": concatenation(),
}


def test_dsp_slices_and_block_rams_are_those_of_the_formulas(tmp_path: Path) -> None:
    need("yosys")
    made = design(list(ENGINES.values()))
    write(made, tmp_path, samples=1)
    found = synthesized(tmp_path, len(made.costs))
    assert dict(zip(ENGINES, found, strict=True)) == {
        name: (cost.dsp, cost.bram) for name, cost in zip(ENGINES, made.costs, strict=True)
    }


def synthesized(folder: Path, stages: int) -> list[tuple[int, int]]:
    """DSP slices and block RAMs of 18 Kbit of each stage. Logic, most of the work, is not mapped."""
    files = " ".join(str(path.relative_to(folder)) for path in (folder / "src").glob("*.sv"))
    script = [f"read_verilog -defer -sv {files}", "synth_xilinx -family xc7 -top random_top -run begin:fine"]
    script += [f"tee -q -o {i}.txt stat -top random_stage{i}" for i in range(stages)]
    subprocess.run(["yosys", "-q", "-p", "; ".join(script)], cwd=folder, check=True)
    return [cells(folder / f"{i}.txt") for i in range(stages)]


def cells(statistics: Path) -> tuple[int, int]:
    """DSP slices and block RAMs of a whole hierarchy."""
    text = statistics.read_text().rpartition("design hierarchy")[2]

    def count(name: str) -> int:
        return sum(map(int, re.findall(rf"\s{name}\s+(\d+)", text)))

    return count("DSP48E1"), count("RAMB18E1") + 2 * count("RAMB36E1")
