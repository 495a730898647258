"""Integer program -> kernels, constants and call sequence for one target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.lower.generated import Generated, Operand, Reads, Scratch, Table, Writes
from edgeq.lower.lowered import Argument, Constant, Kernel, KernelCall, Lowered
from edgeq.lower.select import select
from edgeq.program.planner import plan_arena

if TYPE_CHECKING:
    from tvm_ffi import StructuralKey

    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def lower(program: Program, target: Target) -> Lowered:
    """Chooses and generates a kernel for every op, and plans the arena.

    Raises:
        UnsupportedError: An operator has no kernel on this target.
    """
    pool = _Pool(program)
    calls, scratch, distances, in_place, scratch_distances = [], {}, {}, set(), {}
    for i, op in enumerate(program.ops):
        generated = select(op, program, target).generate(op, program, target)
        name = f"scratch{i}"
        calls.append(KernelCall(pool.kernel(op.kind, generated), pool.arguments(generated, name), op))
        needed = sum(operand.nbytes for operand in generated.operands if isinstance(operand, Scratch))
        if needed:
            scratch[name] = (i, needed)
        if generated.distance is not None:
            distances[i] = generated.distance
        if generated.in_place:
            in_place.add(i)
        if generated.scratch_distance is not None:
            scratch_distances[name] = generated.scratch_distance
    plan = plan_arena(program, scratch, distances, in_place, scratch_distances)
    return Lowered(program, target, tuple(pool.kernels), tuple(pool.constants.values()), tuple(calls), plan)


class _Pool:
    """Kernels and constants of a program, each kept once and numbered in the order of first use."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.kernels: list[Kernel] = []
        self.constants: dict[tuple[str, str, bytes], Constant] = {}
        self._symbols: dict[tuple[StructuralKey, bool], str] = {}

    def kernel(self, kind: str, generated: Generated) -> str:
        """Symbol of the kernel for a generated function."""
        from tvm_ffi import StructuralKey

        func, aliasing = generated.func, generated.overlapping
        key = (StructuralKey(func), aliasing)  # type: ignore[call-arg]  # its stub asks for a field that is computed
        if key not in self._symbols:
            self._symbols[key] = f"{self.program.name}_k{len(self.kernels)}"
            self.kernels.append(Kernel(self._symbols[key], kind, func, aliasing))
        return self._symbols[key]

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
