"""The call sequence in the words of C: prototypes, calls with their pointers, copies of ports that lie in the arena."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgeq.lower.lowered import Argument, KernelCall, Lowered
from edgeq.package.arrays import c_type
from edgeq.package.interface import Interface, PortView
from edgeq.package.names import comment, require_identifier


@dataclass(frozen=True)
class CallView:
    """One kernel call.

    Attributes:
        comment: Operator and sanitized layer name.
        arguments: C expressions.
    """

    symbol: str
    comment: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class CopyView:
    """A copy between the caller's memory and the arena, for a port whose kernel needs aligned elements."""

    to: str
    source: str
    nbytes_macro: str


@dataclass(frozen=True)
class Sequence:
    """What `NAME_invoke` does.

    Attributes:
        prototypes: Symbol and parameter types of each kernel.
        copies_in, calls, copies_out: In order.
    """

    prototypes: tuple[tuple[str, tuple[str, ...]], ...]
    copies_in: tuple[CopyView, ...]
    calls: tuple[CallView, ...]
    copies_out: tuple[CopyView, ...]


def sequence(lowered: Lowered, interface: Interface) -> Sequence:
    """The call sequence of a lowered program."""
    offsets = lowered.plan.offsets
    copied = [port for port in interface.ports if port.offset is None and port.port.buffer in offsets]
    in_arena = {port: f"base + {offsets[port.port.buffer]}" for port in copied}
    return Sequence(
        _prototypes(lowered.calls),
        tuple(CopyView(in_arena[p], p.field, f"{p.macro}_BYTES") for p in interface.inputs if p in in_arena),
        tuple(_call(call, lowered, interface) for call in lowered.calls),
        tuple(CopyView(p.field, in_arena[p], f"{p.macro}_BYTES") for p in interface.outputs if p in in_arena),
    )


def _prototypes(calls: Iterable[KernelCall]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each kernel once, in the order of first use."""
    kernels = {call.symbol: tuple(_pointer_type(a) for a in call.arguments) for call in calls}
    return tuple((require_identifier(symbol), types) for symbol, types in kernels.items())


def _pointer_type(argument: Argument) -> str:
    return f"{'' if argument.writes else 'const '}{c_type(argument.dtype)} *"


def _call(call: KernelCall, lowered: Lowered, interface: Interface) -> CallView:
    ports = {port.port.buffer: port for port in interface.ports}
    arguments = tuple(_expression(a, lowered, ports) for a in call.arguments)
    return CallView(call.symbol, f"{call.op.kind} {comment(call.op.name)}", arguments)


def _expression(argument: Argument, lowered: Lowered, ports: Mapping[str, PortView]) -> str:
    """The pointer that a kernel gets: a constant, a place in the arena, or the caller's memory."""
    if argument.kind == "constant":
        return require_identifier(argument.name)
    offsets, buffer = lowered.plan.offsets, lowered.program.buffer
    if argument.name in offsets:
        # Wider elements by way of `void *`: offsets are aligned for them, which -Wcast-align cannot know.
        detour = "" if argument.dtype in ("int8", "uint8") else "(void *)"
        return f"({_pointer_type(argument)}){detour}(base + {offsets[argument.name]})"
    port = ports[lowered.program.memory(argument.name)]
    field = port.field if port.dtype == argument.dtype else f"({_pointer_type(argument)}){port.field}"
    start = buffer[argument.name].offset
    return f"{field} + {start}" if start else field
