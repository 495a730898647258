"""FPGA packages: their own simulation, on any samples."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.errors import FirmwareError
from edgeq.fpga.backend import load_backend
from edgeq.fpga.dataflow import dataflow
from edgeq.run.artifact import Artifact
from edgeq.run.toolchain import find_tool
from edgeq.targets.load import load_target


@dataclass(frozen=True)
class Simulation:
    """What a simulation told.

    Attributes:
        first_difference: None where it gave what was expected, else `runner`, `sample`, `kernel` and `name` of it; a
            simulation has no kernels.
        cycles: From one inference to the next, the last two of at least two; None where nothing counts cycles.
    """

    first_difference: dict[str, Any] | None
    cycles: int | None


def simulation_of(artifact: Artifact) -> str:
    """What `verify` calls it: the target of the package's Makefile."""
    return load_backend(load_target(artifact.package.manifest.target)).simulate


def simulate(artifact: Artifact, inputs: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> Simulation:
    """Runs a package's simulation on samples, (samples, *port.shape) by port name.

    Raises:
        ToolMissingError: The simulator is not installed.
        FirmwareError: It cannot be built, or the design locks up.
    """
    backend = load_backend(load_target(artifact.package.manifest.target))
    for tool in backend.tools:
        find_tool(tool)
    directory = artifact.package.directory
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        for path in artifact.package.manifest.files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(directory / path, folder / path)
        for path, text in backend.testbench(dataflow(artifact.program), inputs, expected).items():
            (folder / path).write_text(text)
        return _run(folder, backend.simulate, directory)


def _run(folder: Path, target: str, package: Path) -> Simulation:
    done = subprocess.run(["make", "-C", str(folder), target], capture_output=True, text=True, check=False)
    difference = re.search(r"sample (\d+): (\w+) differs", done.stdout)
    if done.returncode and difference is None:
        raise FirmwareError(f"`make {target}` failed:\n{done.stderr.strip()}", file=package)
    counted = [int(cycles) for cycles in re.findall(r"out\d+: (\d+) cycles", done.stdout)]
    return Simulation(
        difference and {"runner": target, "sample": int(difference[1]), "kernel": None, "name": difference[2]},
        max(counted, default=None),
    )
