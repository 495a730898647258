"""Integer program -> kernels, constants and call sequence for one target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgeq.lower.generated import Generated, Operand, Placement, Reads, Scratch, Table, Writes
from edgeq.lower.lowered import Argument, Constant, Kernel, KernelCall, Lowered
from edgeq.lower.overlap import memories, overlap
from edgeq.lower.packing import pack_activations
from edgeq.lower.select import select
from edgeq.program.planner import plan_arena

if TYPE_CHECKING:
    from tvm.tirx import PrimFunc
    from tvm_ffi import StructuralKey

    from edgeq.program.planner import Plan
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def lower(program: Program, target: Target) -> Lowered:
    """Chooses and generates a kernel for every op, and plans the arena; packs int4 buffers if that makes it smaller.

    Raises:
        UnsupportedError: An operator has no kernel on this target.
    """
    plain, packed = _lower(program, target), pack_activations(program, target)
    if packed is program:
        return plain
    smaller = _lower(packed, target)
    return smaller if smaller.plan.size < plain.plan.size else plain


def _lower(program: Program, target: Target) -> Lowered:
    generated = [select(op, program, target).generate(op, program, target) for op in program.ops]
    lean = [kernel.lean() if kernel.lean else kernel for kernel in generated]
    slower, plan = choose_scratch(program, [g.placement for g in generated], [g.placement for g in lean])
    generated = [lean[i] if i in slower else kernel for i, kernel in enumerate(generated)]
    pool = _Pool(program)
    calls = []
    for i, (op, kernel) in enumerate(zip(program.ops, generated, strict=True)):
        arguments = pool.arguments(kernel, scratch_name(i))
        aliasing = kernel.overlapping and overlap(memories(arguments, program, plan, kernel.scratch_bytes))
        calls.append(KernelCall(pool.kernel(op.kind, kernel.func, aliasing), arguments, op))
    return Lowered(program, target, tuple(pool.kernels.values()), tuple(pool.constants.values()), tuple(calls), plan)


def scratch_name(index: int) -> str:
    """Of the working memory of an operator, in the plan."""
    return f"scratch{index}"


def choose_scratch(
    program: Program, fast: Sequence[Placement], lean: Sequence[Placement]
) -> tuple[frozenset[int], Plan]:
    """Which operators get a kernel with less scratch memory because the arena would be larger otherwise; and the plan.

    Args:
        fast, lean: Both kernels of each operator.

    Returns:
        Numbers of operators, and the plan.
    """
    plan = plan_memory(program, fast)
    least = plan if lean == fast else plan_memory(program, lean)
    if plan.size <= least.size:
        return frozenset(), plan
    chosen = list(lean)
    for i, placement in enumerate(fast):
        if placement != lean[i]:
            tried = plan_memory(program, [*chosen[:i], placement, *chosen[i + 1 :]])
            if tried.size <= least.size:
                chosen[i], least = placement, tried
    return frozenset(i for i, placement in enumerate(chosen) if placement != fast[i]), least


def plan_memory(program: Program, placements: Sequence[Placement]) -> Plan:
    """The arena of a program whose first operators these kernels do."""
    numbered = list(enumerate(placements))
    return plan_arena(
        program,
        {scratch_name(i): (i, p.scratch_bytes) for i, p in numbered if p.scratch_bytes},
        {i: p.distance for i, p in numbered if p.distance is not None},
        {i for i, p in numbered if p.in_place},
        {scratch_name(i): p.scratch_distance for i, p in numbered if p.scratch_distance is not None},
    )


class _Pool:
    """Kernels and constants of a program, each kept once and numbered in the order of first use."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.kernels: dict[StructuralKey, Kernel] = {}
        self.constants: dict[tuple[str, str, bytes], Constant] = {}

    def kernel(self, kind: str, func: PrimFunc, aliasing: bool) -> str:
        """Symbol of the kernel for a generated function.

        Args:
            aliasing: For this call, its pointers reach the same bytes: then the kernel that all calls share permits it.
        """
        from tvm_ffi import StructuralKey

        key = StructuralKey(func)  # type: ignore[call-arg]  # its stub asks for a field that is computed
        new = Kernel(f"{self.program.name}_k{len(self.kernels)}", kind, func)
        kernel = self.kernels.get(key, new)
        self.kernels[key] = replace(kernel, aliasing=kernel.aliasing or aliasing)
        return kernel.symbol

    def constant(self, table: Table) -> Constant:
        """The constant that holds the table's values."""
        data = np.ascontiguousarray(table.data).reshape(-1)
        key = (table.kind, str(data.dtype), data.tobytes())
        if key not in self.constants:
            self.constants[key] = Constant(f"{self.program.name}_c{len(self.constants)}", data, table.kind)
        return self.constants[key]

    def arguments(self, generated: Generated, scratch: str) -> tuple[Argument, ...]:
        """What a call passes for the operands of its kernel, which has at most one scratch memory, named `scratch`."""
        return tuple(self._argument(operand, scratch) for operand in generated.operands)

    def _argument(self, operand: Operand, scratch: str) -> Argument:
        if isinstance(operand, Scratch):
            return Argument("scratch", scratch, operand.dtype, writes=True)
        if isinstance(operand, Writes):
            return Argument("buffer", operand.buffer, self.program.buffer[operand.buffer].dtype, writes=True)
        if isinstance(operand, Reads):
            buffer = self.program.buffer[operand.buffer]
            if buffer.data is None:
                return Argument("buffer", buffer.name, buffer.dtype)
            operand = Table(buffer.data, "constants")
        constant = self.constant(operand)
        return Argument("constant", constant.symbol, str(constant.data.dtype))
