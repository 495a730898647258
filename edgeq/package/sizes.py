"""Flash and RAM of a package, as its report states them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeq.lower.lowered import Constant, Lowered
from edgeq.package.interface import arena_bytes, interface

if TYPE_CHECKING:
    from edgeq.lower.objects import KernelObject
    from edgeq.program.planner import Plan
    from edgeq.program.program import Program

# Saved registers, pointers kept across calls and the return address, on a 32-bit core; the tests compare it with
# what gcc reports for generated call sequences.
_CALL_SEQUENCE_FRAME = 64
_POINTER = 4


@dataclass(frozen=True)
class FlashBytes:
    """Read-only memory, in bytes.

    Attributes:
        code: Machine code of the kernels. The call sequence is compiled by the firmware's own toolchain; `edgeq bench`
            measures the linked whole.
        weights: Packed weights only.
        constants: Biases, multipliers, tables, constant tensors.
    """

    code: int
    weights: int
    constants: int

    @property
    def total(self) -> int:
        return self.code + self.weights + self.constants


@dataclass(frozen=True)
class RamBytes:
    """Writable memory, in bytes.

    Attributes:
        arena: Working memory that the caller provides.
        io: The caller's buffers for inputs and outputs that do not lie in the arena.
        statics: Of the generated code: it has none.
        stack: Bound for one inference: the call sequence and its deepest kernel.
    """

    arena: int
    io: int
    stack: int
    statics: int = 0

    @property
    def total(self) -> int:
        return self.arena + self.io + self.statics + self.stack


def flash_bytes(lowered: Lowered, objects: Iterable[KernelObject]) -> FlashBytes:
    """Flash of a package with these kernels."""
    return FlashBytes(
        code=sum(kernel.code_bytes for kernel in objects),
        weights=_constant_bytes(lowered.constants, "weights"),
        constants=_constant_bytes(lowered.constants, "constants"),
    )


def ram_bytes(lowered: Lowered, objects: Iterable[KernelObject]) -> RamBytes:
    """RAM of one inference with these kernels."""
    deepest = max((kernel.stack_bytes for kernel in objects), default=0)
    most = max((len(call.arguments) for call in lowered.calls), default=0)
    return ram_of(lowered.program, lowered.plan, deepest, most)


def ram_of(program: Program, plan: Plan, deepest: int, most: int) -> RamBytes:
    """RAM of one inference.

    Args:
        deepest: Largest stack of a kernel.
        most: Arguments of the kernel that takes most of them: they travel on the stack at worst.
    """
    return RamBytes(
        arena=arena_bytes(plan),
        io=sum(port.nbytes for port in interface(program, plan).ports if port.offset is None),
        stack=deepest + _CALL_SEQUENCE_FRAME + _POINTER * most,
    )


def _constant_bytes(constants: Iterable[Constant], kind: str) -> int:
    return sum(constant.data.nbytes for constant in constants if constant.kind == kind)
