"""Counting the instructions of a Linux program: QEMU's plugin writes a section at each reading of the counter."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from elftools.elf.elffile import ELFFile

from edgeq.cycles.profile import sections
from edgeq.errors import FirmwareError, ToolMissingError
from edgeq.run.plugin import Counting, plugin_library
from edgeq.run.toolchain import find_tool
from edgeq.targets.target import Memory, Target

SECTIONS = "sections.bin"
COUNTER = "edgeq_counter_read"


def process_counting(elf: Path, target: Target) -> Counting | None:
    """What QEMU is to count of a Linux program; None where there is no compiler to build the plugin."""
    try:
        plugin_library()
    except ToolMissingError:
        return None
    return Counting(None, _code_memory(elf), symbol_address(elf, target, COUNTER), elf.with_name(SECTIONS))


def process_instructions(folder: Path, readings: int) -> np.ndarray | None:
    """Instructions between the readings of the counter: (samples, readings - 1) int64; None where nothing was counted.

    Args:
        folder: Where the program ran. It reads twice, with nothing between, before the first sample.
        readings: For each sample.
    """
    path = folder / SECTIONS
    if not path.exists():
        return None
    passed = np.cumsum([section.instructions for section in sections(path.read_bytes())])[:-1]
    own = passed[1] - passed[0]
    return np.diff(passed[2:].reshape(-1, readings), axis=1) - own


def symbol_address(elf: Path, target: Target, symbol: str) -> int:
    """Address of a function of a firmware.

    Raises:
        FirmwareError: It has no such function.
    """
    nm = str(find_tool(target.gcc)).removesuffix("gcc") + "nm"
    listing = subprocess.run([nm, "--defined-only", str(elf)], capture_output=True, text=True, check=True)
    rows = (line.split() for line in listing.stdout.splitlines())
    found = [int(address, 16) for address, _, name in rows if name == symbol]
    if not found:
        raise FirmwareError(f"the firmware has no {symbol}", file=elf)
    return found[0]


def _code_memory(elf: Path) -> Memory:
    """Where the executable segments of a program lie."""
    with elf.open("rb") as file:
        loaded = [s for s in ELFFile(file).iter_segments("PT_LOAD") if s["p_flags"] & 1]
        start = min(s["p_vaddr"] for s in loaded)
        return Memory(start, max(s["p_vaddr"] + s["p_memsz"] for s in loaded) - start)
