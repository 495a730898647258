"""The stand-ins of CMSIS-NN's kernels, profiled in QEMU."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from edgeq.cycles.core import Core
from edgeq.cycles.issue import issue_cycles
from edgeq.cycles.profile import Section, sections
from edgeq.run.firmware import board_of, build_firmware
from edgeq.run.listing import disassemble
from edgeq.run.plugin import Counting
from edgeq.run.process import symbol_address
from edgeq.run.qemu import run_firmware
from edgeq.targets.load import load_target

SOURCES = Path(__file__).resolve().parent
RUNS = (
    ("convolution", 64 * 9 * 64 * 64),
    ("pointwise", 124 * 64 * 64),
    ("pointwise_long", 36 * 128 * 128),
    ("depthwise", 25 * 5 * 64 * 9),
    ("fully_connected", 126 * 640),
    ("add", 0),
)
"""Kinds of kernels in the order in which main.c runs them, and their multiply-accumulates."""


@dataclass(frozen=True)
class Cost:
    """Of a kind of kernel.

    Attributes:
        per_instruction: Cycles, without wait states of the flash memory and without what a unit of data costs.
        misses_per_mac: Units of data that the flash memory has to deliver.
    """

    per_instruction: float
    misses_per_mac: float


def profile(target_name: str, core: Core) -> dict[str, Cost]:
    """The cost of each kind of kernel."""
    target = load_target(target_name)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        elf, out = folder / "firmware.elf", folder / "sections.bin"
        build_firmware([SOURCES / "main.c", SOURCES / "kernels.c"], [], target, elf)
        counting = Counting(core, board_of(target).flash, symbol_address(elf, target, "mark"), out)
        run_firmware(elf, target, timeout=100, files_dir=folder, counting=counting)
        instructions = disassemble(elf, target)
        costs = issue_cycles(instructions, core)
        jumps = {i.address: core.jump_of(i.mnemonic) for i in instructions}
        runs = zip(RUNS, sections(out.read_bytes())[1:], strict=False)
        return {kind: _cost(section, macs, costs, jumps, core) for (kind, macs), section in runs}


def _cost(section: Section, macs: int, costs: dict[int, int], jumps: dict[int, float], core: Core) -> Cost:
    bare = replace(core, scale=1.0, flash=None)
    misses = int(section.records["data_misses"].sum())
    return Cost(section.cycles(costs, jumps, bare) / section.instructions, misses / macs if macs else 0.0)
