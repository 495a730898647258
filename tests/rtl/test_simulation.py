"""Verilator gives the interpreter's words, whatever the pauses at the ports, in exactly the cycles of the formulas."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hls.simulation import need
from rtl.engines import (
    ONE,
    Folded,
    add,
    chain,
    concatenation,
    convolution,
    dense,
    design,
    lut,
    mul,
    pad,
    pick,
    pool,
    softmax,
    transpose,
    write,
)

from edgeq.fpga.folding import Design
from edgeq.targets.hls.fold import Fold

SAMPLES = 5


def engines() -> list[Folded]:
    """Every engine, where it waits for its input, for its multipliers and for its output."""
    return [
        convolution((1, 6, 6, 8), 8, Fold(2, 4)),
        convolution((1, 7, 5, 6), 4, Fold(4, 3), strides=(2, 2), pads=(0, 0, 1, 1), weight_bits=4, signed=True),
        convolution((1, 6, 6, 4), 6, Fold(1, 2), dilations=(2, 2), pads=(2, 2, 2, 2), weight_bits=2),
        convolution((1, 5, 5, 4), 8, Fold(8, 4), kernel=(1, 1), pads=(0, 0, 0, 0)),
        convolution((1, 9, 3, 3), 5, Fold(5, 3), kernel=(3, 2), strides=(3, 1), pads=(0, 0, 0, 0)),
        convolution((1, 5, 5, 4), 4, Fold(2, 2), bits=16),
        convolution((1, 6, 6, 8), 8, Fold(4, 1), groups=8, weight_bits=4),
        convolution((1, 7, 7, 4), 4, Fold(2, 1), groups=4, strides=(2, 2), pads=(0, 0, 0, 0)),
        convolution((1, 4, 5, 8), 12, Fold(3, 2), groups=2),
        convolution((1, 4, 4, 3), 6, Fold(2, 1), groups=3),
        dense(3, 24, 10, Fold(2, 12), weight_bits=4),
        dense(1, 8, 8, Fold(8, 8)),
        pool(True, Fold(4, 1)),
        pool(False, Fold(2, 1)),
        pool(True, Fold(1, 1), bits=16),
        add(8),
        add(16),
        lut(8),
        lut(16),
        softmax(2, 10),
        mul(8),
        mul(16),
        transpose(),
        pick(),
        pad(),
        concatenation(),
    ]


def built_in(folder: Path, made: Design) -> Path:
    """The folder with the simulation of a design."""
    need("verilator", "g++", "make")
    write(made, folder, SAMPLES)
    done = subprocess.run(
        ["make", "-C", str(folder), "sim.bin", "OPTIMIZE=-O0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Design, Path]:
    """A design with every engine, and the folder of its simulation."""
    made = design(engines())
    return made, built_in(tmp_path_factory.mktemp("engines"), made)


def simulate(folder: Path, *arguments: int) -> str:
    command = ["./sim.bin", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def interval(folder: Path, made: Design) -> int:
    """Cycles from one inference to the next of a design with one output, as simulated."""
    found = re.search(r"out0: (\d+) cycles", simulate(built_in(folder, made)))
    assert found
    return int(found[1])


@pytest.mark.parametrize(("pauses", "seed"), [(0, 1), (30, 2), (90, 3)])
def test_every_engine_gives_the_interpreters_words(built: tuple[Design, Path], pauses: int, seed: int) -> None:
    assert f"{SAMPLES} samples, 0 wrong words" in simulate(built[1], pauses, seed)


def test_cycles_are_those_of_the_formulas(built: tuple[Design, Path]) -> None:
    made, folder = built
    found = {int(port): int(cycles) for port, cycles in re.findall(r"out(\d+): (\d+) cycles", simulate(folder))}
    assert found == dict(enumerate(cost.cycles for cost in made.costs))


def test_a_window_that_waits_for_rows_keeps_back_no_other_stage(tmp_path: Path) -> None:
    """The second convolution works on 15 of 24 rows, longer on each than the first, which takes longest in all."""
    cases = [convolution((1, 24, 1, 8), 16, Fold(), kernel=(1, 1), pads=(0, 0, 0, 0)).case]
    cases.append(convolution((1, 24, 1, 16), 16, Fold(), kernel=(10, 1), pads=(0, 0, 0, 0), groups=16).case)
    made = chain(cases)
    first, second = made.costs
    assert second.cycles / 15 > first.cycles / 24
    assert interval(tmp_path, made) == first.cycles == made.interval


def test_a_copy_that_waits_for_its_whole_tensor_keeps_back_no_other_stage(tmp_path: Path) -> None:
    """The convolution, which takes longest in all, has rows to work on while those of the next image come in."""
    made = chain([transpose(48, 1, 4).case, convolution((1, 48, 1, 4), 4, ONE, kernel=(1, 1), pads=(0, 0, 0, 0)).case])
    copy, slowest = made.costs
    assert 2 * copy.cycles == copy.latency < slowest.cycles
    assert interval(tmp_path, made) == slowest.cycles == made.interval
