"""How long each instruction holds up the next: an in-order pipeline, followed along straight code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edgeq.cycles.core import Core, InstructionClass
from edgeq.cycles.instruction import Instruction


@dataclass
class _Pipeline:
    """What is under way when an instruction comes.

    Attributes:
        free: Cycle in which the next one can be issued, alone.
        issued: Those of the cycle before `free`.
        ready: Cycle in which a register's value is there, and whether arithmetic makes it.
    """

    free: int = 0
    issued: list[tuple[Instruction, InstructionClass]] = field(default_factory=list)
    ready: dict[str, tuple[int, bool]] = field(default_factory=dict)


def issue_cycles(instructions: Iterable[Instruction], core: Core) -> dict[int, int]:
    """Cycles of each instruction, by address, branches as not taken and memory without wait states.

    What came before is known within straight code only: behind every gap and every branch the pipeline is empty.

    Args:
        instructions: In order of address.
    """
    result: dict[int, int] = {}
    pipeline, expected = _Pipeline(), None
    for instruction in instructions:
        if instruction.address != expected:
            pipeline = _Pipeline()
        before = pipeline.free
        _issue(instruction, core.class_of(instruction.mnemonic), core, pipeline)
        result[instruction.address] = pipeline.free - before
        expected = None if instruction.is_branch else instruction.address + instruction.size
    return result


def _issue(instruction: Instruction, kind: InstructionClass, core: Core, pipeline: _Pipeline) -> None:
    ready = _operands_ready(instruction, core, pipeline)
    together = pipeline.free - 1
    if ready <= together and _pairs(instruction, kind, core, pipeline.issued):
        at = together
        pipeline.issued.append((instruction, kind))
    else:
        at = max(pipeline.free, ready)
        pipeline.free = at + _occupied(instruction, kind, pipeline.issued)
        pipeline.issued = [(instruction, kind)]
    arithmetic = not instruction.is_access
    pipeline.ready.update(dict.fromkeys(instruction.results, (at + kind.latency, arithmetic)))


def _operands_ready(instruction: Instruction, core: Core, pipeline: _Pipeline) -> int:
    cycles = [0]
    for register in instruction.reads & pipeline.ready.keys():
        cycle, arithmetic = pipeline.ready[register]
        late = arithmetic and register in instruction.address_registers
        cycles.append(cycle + core.address_latency * late)
    return max(cycles)


def _pairs(
    instruction: Instruction, kind: InstructionClass, core: Core, issued: list[tuple[Instruction, InstructionClass]]
) -> bool:
    """Whether it can be issued together with those of the last cycle, whose results it does not need."""
    if not issued or len(issued) == core.width or kind.first:
        return False
    single = all(other.cycles == 1 and not other.per_register for _, other in issued)
    return single and kind.cycles == 1 and all(not kind.unit or kind.unit != other.unit for _, other in issued)


def _occupied(
    instruction: Instruction, kind: InstructionClass, issued: list[tuple[Instruction, InstructionClass]]
) -> int:
    cycles = kind.cycles
    if kind.per_register:
        cycles += kind.per_register * instruction.listed
    if issued:
        previous, other = issued[-1]
        if other.name in kind.after and not previous.results & instruction.reads:
            cycles -= 1
    return cycles
