"""When a kernel is chosen: a row of a family's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeq.lower.generated import Generated
    from edgeq.program.ops import Op
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


@dataclass(frozen=True)
class Rule:
    """One kernel, and the operators, widths and target features it is for.

    Attributes:
        kind: `Op.kind` of the operator.
        generate: Makes the kernel for one op of a program on a target.
        activation_bits: Widths of the buffers that it reads.
        weight_bits: Widths of the weights, for operators that have some.
        features: What the target must have.
        fits: Any further condition on the operator.
        result_bits: Widths of the buffers that it writes; None for those that it reads.
        packed: In place of `fits`, the condition on operators of which some int4 buffer is packed; None for kernels
            that know no such.
    """

    kind: str
    generate: Callable[[Any, Program, Target], Generated]
    activation_bits: frozenset[int] = frozenset({4, 8, 16})
    weight_bits: frozenset[int] = frozenset({2, 4, 8})
    features: frozenset[str] = frozenset()
    fits: Callable[[Any], bool] = lambda op: True
    result_bits: frozenset[int] | None = None
    packed: Callable[[Any, Program], bool] | None = None

    def applies(self, op: Op, program: Program, target: Target) -> bool:
        """True if this kernel can do `op` on `target`."""
        return (
            self.kind == op.kind
            and self.features <= target.features
            and {program.buffer[name].bits for name in op.reads} <= self.activation_bits
            and {program.buffer[name].bits for name in op.writes} <= (self.result_bits or self.activation_bits)
            and getattr(op, "weight_bits", 8) in self.weight_bits
            and self._fits(op, program)
        )

    def _fits(self, op: Op, program: Program) -> bool:
        if any(program.buffer[name].packed for name in op.reads + op.writes):
            return self.packed is not None and self.packed(op, program)
        return self.fits(op)
