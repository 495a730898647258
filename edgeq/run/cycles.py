"""Estimated cycles of a package on its emulated board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeq.cycles.core import Core
from edgeq.cycles.instruction import Instruction
from edgeq.cycles.issue import issue_cycles
from edgeq.cycles.profile import Section, sections
from edgeq.errors import FirmwareError
from edgeq.package.names import require_identifier
from edgeq.package.read import Package
from edgeq.run.batch import TIMEOUT, finished_run
from edgeq.run.firmware import board_of
from edgeq.run.listing import disassemble
from edgeq.run.plugin import Counting
from edgeq.run.process import SECTIONS, symbol_address
from edgeq.targets.load import load_target


@dataclass(frozen=True)
class KernelCycles:
    """One kernel call with its arguments.

    Attributes:
        instructions: Executed; the same number that `profile_on_qemu` counts.
        cycles: Estimated.
    """

    instructions: int
    cycles: int


def cycles_on_qemu(
    package: Package, inputs: Mapping[str, np.ndarray], core: Core, *, timeout: float = TIMEOUT
) -> tuple[KernelCycles, ...]:
    """Estimates each kernel call of the first sample.

    Args:
        inputs: By ONNX name, (samples, *shape), integers of the port's dtype.
        core: Timing of the package's target.

    Raises:
        FirmwareError: The profiler cannot be built, or QEMU does not take it; and otherwise as `run_on_qemu`.
    """
    target = load_target(package.manifest.target)
    hook = f"{require_identifier(package.manifest.name)}_profile_hook"
    first = {name: array[:1] for name, array in inputs.items()}

    def counting(elf: Path) -> Counting:
        return Counting(core, board_of(target).flash, symbol_address(elf, target, hook), elf.with_name(SECTIONS))

    with finished_run(package, first, "profile", timeout, counting) as (folder, _):
        found = sections((folder / SECTIONS).read_bytes())
        return calls(found, disassemble(folder / "firmware.elf", target), core, len(package.manifest.kernels))


def calls(
    found: Sequence[Section], instructions: Sequence[Instruction], core: Core, kernels: int
) -> tuple[KernelCycles, ...]:
    """The kernel calls among the sections of the runner firmware.

    Its hook is called twice with nothing between the calls, which tells what the hook costs, then around each kernel.
    """
    costs = issue_cycles(instructions, core)
    jumps = {i.address: core.jump_of(i.mnemonic) for i in instructions}
    if len(found) != kernels + 4:
        raise FirmwareError("QEMU did not count by address", fix="use QEMU 7.2 (Debian 12)")
    hook, *marked = (found[1], *found[3 : 3 + kernels])
    spent = [(s.instructions, s.cycles(costs, jumps, core)) for s in (hook, *marked)]
    return tuple(KernelCycles(n - spent[0][0], round(c - spent[0][1])) for n, c in spent[1:])
