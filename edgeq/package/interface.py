"""Inputs and outputs of a program as the header shows them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgeq.package.arrays import c_type
from edgeq.package.names import comment, identifiers
from edgeq.program.planner import Plan
from edgeq.program.program import Port, Program

Direction = Literal["input", "output"]


@dataclass(frozen=True)
class PortView:
    """One port, in the words of C.

    Attributes:
        program: Name of the program.
        port: The port of the program.
        direction: `input` or `output`.
        c_name: Its field in the struct of pointers.
        macro: Prefix of its macros, such as `RESNET_INPUT_IMAGE`.
        dtype: Type of an element at the interface: int8, uint8 or int16.
        offset: Where it lies in the arena, in bytes; None where the caller keeps it.
    """

    program: str
    port: Port
    direction: Direction
    c_name: str
    macro: str
    dtype: str
    offset: int | None

    @property
    def field(self) -> str:
        """The caller's pointer, as the call sequence reaches it."""
        return f"{self.direction}s->{self.c_name}"

    @property
    def accessor(self) -> str:
        """The header's function that gives its place in the arena."""
        return f"{self.program}_{self.direction}_{self.c_name}"

    @property
    def c_type(self) -> str:
        return c_type(self.dtype)

    @property
    def elements(self) -> int:
        return math.prod(self.port.shape)

    @property
    def nbytes(self) -> int:
        return self.elements * (2 if self.dtype == "int16" else 1)

    @property
    def scale(self) -> str:
        """A C99 floating constant of type double that reads back as exactly this scale."""
        return repr(float(self.port.scale))

    @property
    def comment(self) -> str:
        """The model's name for it, and its shape."""
        return f"{comment(self.port.name)}: {self.dtype}, shape {list(self.port.shape)}"


@dataclass(frozen=True)
class Interface:
    """The ports of a program."""

    inputs: tuple[PortView, ...]
    outputs: tuple[PortView, ...]

    @property
    def ports(self) -> tuple[PortView, ...]:
        return self.inputs + self.outputs


def interface(program: Program, plan: Plan) -> Interface:
    """The ports of `program`, each with a C name of its own among its kind."""
    return Interface(_views(program, plan, "input"), _views(program, plan, "output"))


def arena_bytes(plan: Plan) -> int:
    """Bytes that the caller provides: at least one unit, because C has no empty arrays."""
    return max(plan.size, plan.alignment)


def _views(program: Program, plan: Plan, direction: Direction) -> tuple[PortView, ...]:
    ports = program.inputs if direction == "input" else program.outputs
    names = identifiers([port.name for port in ports], fallback=direction)
    prefix = f"{program.name}_{direction}_".upper()
    offsets = plan.offsets if program.io == "arena" else {}
    return tuple(
        PortView(
            program.name, port, direction, name, prefix + name.upper(), _dtype(program, port), offsets.get(port.buffer)
        )
        for port, name in zip(ports, names, strict=True)
    )


def _dtype(program: Program, port: Port) -> str:
    return "uint8" if port.unsigned else program.buffer[port.buffer].dtype
