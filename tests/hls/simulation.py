"""C simulation of a design, as the Makefile of a package does it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from vendor_types import vendor_types

from edgeq.fpga.dataflow import Dataflow
from edgeq.fpga.folding import Design
from edgeq.hls.cost import stage_cost
from edgeq.hls.sources import sources
from edgeq.program.interpreter import interpret
from edgeq.program.program import Program
from edgeq.targets.hls.fold import Fold
from edgeq.targets.load import load_target

FPGA = load_target("fpga-hls")


def need(*tools: str) -> None:
    """Skips the test, with the reason, if a program is missing; fails it in CI."""
    for tool in tools:
        if shutil.which(tool) is None:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{tool} is not installed")


def random_inputs(program: Program, samples: int = 2, seed: int = 0) -> dict[str, np.ndarray]:
    """Integers over the whole range of each port, (samples, *shape)."""
    rng = np.random.default_rng(seed)
    kinds = {port.name: np.iinfo(program.buffer[port.buffer].dtype) for port in program.inputs}
    shapes = {port.name: (samples, *port.shape) for port in program.inputs}
    return {n: rng.integers(k.min, k.max + 1, shapes[n]).astype(k.dtype) for n, k in kinds.items()}


def design_of(flow: Dataflow, folds: list[Fold]) -> Design:
    costs = tuple(stage_cost(stage, fold, flow) for stage, fold in zip(flow.stages, folds, strict=True))
    return Design(flow, tuple(folds), costs)


def write_design(design: Design, folder: Path, inputs: Mapping[str, np.ndarray]) -> None:
    """The C++ files, with golden vectors of the interpreter."""
    expected = interpret(design.flow.program, inputs)
    for path, text in sources(design, FPGA, "0", inputs, expected).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def simulate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`make csim`, with little optimization and more warnings.

    GCC at -O1 does not see that the last tap of a window, which writes a sum, always comes.
    """
    flags = "-std=c++11 -O1 -Wall -Wextra -Werror -Wno-unknown-pragmas -Wno-maybe-uninitialized"
    command = ["make", "-C", str(folder), "csim", f"CXXFLAGS={flags}", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def vendor_headers(folder: Path) -> Path:
    """The vendor's own `ap_int.h`, copied below a folder; skips the test, or fails it in CI, where there is none."""
    headers = vendor_types(folder)
    if headers is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("the Python package hls4ml is not installed")
    assert headers is not None
    return headers
