"""A processor core's timing as data, read from `targets/cores/<cpu>.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

CORES = files("edgeq.targets") / "cores"

_CONDITION = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"


@dataclass(frozen=True)
class InstructionClass:
    """Instructions that take the same time.

    Attributes:
        name: For `after`.
        match: Regular expression of their mnemonics, without what follows: setting of flags, condition, width.
        cycles: Until the next instruction can be issued.
        per_register: Further cycles for each register of a list (LDM, PUSH).
        after: Classes directly behind which they take one cycle less, unless they read what that instruction loads.
        latency: Cycles until a result can be used.
        unit: Of those that are issued in one cycle only one may need the same unit; empty where there are enough.
        first: True if they cannot be the second of two that are issued together.
        jump: Cycles that a taken branch adds; None stands for the core's.
    """

    name: str
    match: str = ""
    cycles: int = 1
    per_register: int = 0
    after: tuple[str, ...] = ()
    latency: int = 1
    unit: str = ""
    first: bool = False
    jump: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "after", tuple(self.after))


@dataclass(frozen=True)
class Flash:
    """Caches before the flash memory, and what it costs to pass them.

    Attributes:
        unit_bytes: What the memory delivers at once.
        code_units, data_units: Size of the caches of instructions and of constants.
        code_wait, data_wait: Cycles that a unit costs that is not in its cache.
    """

    unit_bytes: int
    code_units: int
    data_units: int
    code_wait: float
    data_wait: float


@dataclass(frozen=True)
class Core:
    """Timing of a core.

    Attributes:
        name: As in `Target.cpu`.
        description: The chip whose timing this is.
        scale: What measured time exceeds the sum by: factor by which all cycles are multiplied.
        residual: Largest relative error against published times, after scaling; None where there are none.
        classes: The first that matches counts; instructions that none matches take one cycle.
        width: Instructions that can be issued in one cycle.
        jump: Cycles that a taken branch adds.
        address_latency: Cycles by which a result of arithmetic comes later where it is used as an address.
        flash: None where code and constants come from memory as fast as the core.
    """

    name: str
    description: str
    classes: tuple[InstructionClass, ...]
    scale: float = 1.0
    residual: float | None = None
    width: int = 1
    jump: float = 0.0
    address_latency: int = 0
    flash: Flash | None = None
    _default: InstructionClass = field(default=InstructionClass("other"), repr=False)

    def class_of(self, mnemonic: str) -> InstructionClass:
        """The class of an instruction, by its mnemonic as the disassembler prints it."""
        stem = mnemonic.partition(".")[0]
        return next((c for c in self.classes if _pattern(c.match).fullmatch(stem)), self._default)

    def jump_of(self, mnemonic: str) -> float:
        """Cycles that a jump of this instruction adds."""
        own = self.class_of(mnemonic).jump
        return self.jump if own is None else own


@cache
def _pattern(match: str) -> re.Pattern[str]:
    return re.compile(f"(?:{match})s?(?:{_CONDITION})?")


@cache
def load_core(cpu: str) -> Core | None:
    """The timing of a core, or None if edgeq has no table of it."""
    path = CORES / f"{cpu}.toml"
    if not path.is_file():
        return None
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    classes = tuple(InstructionClass(**row) for row in table.pop("class"))
    flash = table.pop("flash", None)
    return Core(cpu, classes=classes, flash=Flash(**flash) if flash else None, **table)
