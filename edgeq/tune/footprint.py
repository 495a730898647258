"""What many programs that differ little take of a target: a kernel is generated and compiled once per form."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.cost.model import load_cost_model
from edgeq.errors import UnsupportedError
from edgeq.lower.generated import Generated, Table
from edgeq.lower.lower import choose_scratch, plan_memory
from edgeq.lower.lowered import Argument, Kernel, KernelCall, Lowered
from edgeq.lower.objects import KernelObject, compile_objects
from edgeq.lower.select import select
from edgeq.package.sizes import ram_bytes
from edgeq.program.ops import Op, Requantize
from edgeq.program.program import Program
from edgeq.search.trial import Cost

if TYPE_CHECKING:
    from edgeq.targets.target import Target

BAKED = frozenset({"zero_point", "x_zero_point", "lo", "hi"})
"""Numbers inside a kernel that hardly change its size."""


@dataclass(frozen=True, eq=False)
class Form:
    """A kernel without the numbers that are baked into it."""

    generated: Generated
    compiled: KernelObject


class Footprints:
    """Flash, RAM and estimated cycles of programs on one target.

    Weights, constants and arena are exact. Code and stack are those of kernels whose zero points and clamps may be
    others, that keep nothing in order for the sake of memory they share, and that take all the scratch memory that they
    can use: some bytes more or less.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._forms: dict[Hashable, Form] = {}

    def cost(self, program: Program) -> Cost:
        """What an optimized program takes.

        Raises:
            UnsupportedError: An operator has no kernel on this target.
        """
        forms = [self._form(op, program) for op in program.ops]
        code = {signature(op, program): form.compiled.code_bytes for op, form in zip(program.ops, forms, strict=True)}
        weights, constants = (sum(_table_bytes(form, kind) for form in forms) for kind in ("weights", "constants"))
        flash = sum(code.values()) + weights + constants + _constant_operands(program)
        ram = ram_bytes(self._planned(program, forms), [form.compiled for form in forms])
        return Cost(flash, weights, ram.total, self._cycles(program))

    def _cycles(self, program: Program) -> float | None:
        model = load_cost_model(self._target.name)
        time = None if model is None else model.program_time(program, self._target)
        return None if time is None else time.cycles

    def has_kernels(self, program: Program) -> bool:
        """Whether the target has a kernel for every operator."""
        try:
            for op in program.ops:
                select(op, program, self._target)
        except UnsupportedError:
            return False
        return True

    def _form(self, op: Op, program: Program) -> Form:
        key = signature(op, program, without=BAKED)
        if key not in self._forms:
            generated = select(op, program, self._target).generate(op, program, self._target)
            if generated.lean is not None:
                generated = replace(generated, lean=cache(generated.lean))
            kernel = Kernel("kernel", op.kind, generated.func)
            alone = Lowered(program, self._target, (kernel,), (), (), plan_memory(program, []))
            self._forms[key] = Form(generated, *compile_objects(alone))
        return self._forms[key]

    def _planned(self, program: Program, forms: list[Form]) -> Lowered:
        """As much of the lowered program as its RAM depends on."""
        generated = [form.generated for form in forms]
        calls = tuple(
            KernelCall("kernel", (Argument("constant", "", "int8"),) * len(made.operands), op)
            for made, op in zip(generated, program.ops, strict=True)
        )
        _, plan = choose_scratch(program, generated)
        return Lowered(program, self._target, (), (), calls, plan)


def _table_bytes(form: Form, kind: str) -> int:
    tables = [operand for operand in form.generated.operands if isinstance(operand, Table)]
    return sum(table.data.nbytes for table in tables if table.kind == kind)


def _constant_operands(program: Program) -> int:
    """Bytes of the constant buffers that operators read."""
    read = {name for op in program.ops for name in op.reads}
    return sum(buffer.nbytes for buffer in program.buffers if buffer.data is not None and buffer.name in read)


def signature(op: Op, program: Program, without: frozenset[str] = frozenset()) -> Hashable:
    """What the kernel of an operator depends on; operators with equal ones share a kernel.

    Args:
        without: Names of fields that are left out.
    """
    buffers = [program.buffer[name] for name in op.reads + op.writes]
    return (
        op.kind,
        *((b.bits, b.shape, b.data is None) for b in buffers),
        *_values(op, without | {"name", "y", *_READS}),
    )


_READS = ("x", "x1", "x2")


def _values(item: Op | Requantize, without: frozenset[str]) -> tuple[Hashable, ...]:
    return tuple(_value(getattr(item, f.name), without) for f in fields(item) if f.name not in without)


def _value(value: Any, without: frozenset[str]) -> Hashable:
    """Arrays count by their shape, since kernels get them by pointer."""
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype)
    return _values(value, without) if isinstance(value, Requantize) else value
