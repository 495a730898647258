"""What many programs that differ little take of a target: a kernel is generated and compiled once per form."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from edgeq.cost.model import load_cost_model
from edgeq.errors import UnsupportedError
from edgeq.lower.lower import choose_scratch
from edgeq.lower.select import select
from edgeq.package.sizes import ram_of
from edgeq.program.ops import Op
from edgeq.program.program import Program
from edgeq.search.trial import Cost
from edgeq.tune.form import Form, form_key, measure_form, signature
from edgeq.tune.form_cache import FormCache

if TYPE_CHECKING:
    from edgeq.targets.target import Target


class Footprints:
    """Flash, RAM and estimated cycles of programs on one target.

    Weights, constants and arena are exact. Code and stack are those of kernels whose zero points, clamps and
    multipliers may be others, that keep nothing in order for the sake of memory they share, and that take all the
    scratch memory that they can use: some bytes more or less.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._forms: dict[Hashable, Form] = {}
        self._kept = FormCache(target)

    def cost(self, program: Program) -> Cost:
        """What an optimized program takes.

        Raises:
            UnsupportedError: An operator has no kernel on this target.
        """
        forms = [self._form(op, program) for op in program.ops]
        code = {signature(op, program): form.code for op, form in zip(program.ops, forms, strict=True)}
        weights, constants = sum(form.weights for form in forms), sum(form.constants for form in forms)
        flash = sum(code.values()) + weights + constants + _constant_operands(program)
        _, plan = choose_scratch(program, [form.fast for form in forms], [form.lean for form in forms])
        deepest, most = (max(sizes, default=0) for sizes in ([f.stack for f in forms], [f.arguments for f in forms]))
        return Cost(flash, weights, ram_of(program, plan, deepest, most).total, self._cycles(program))

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
        key = form_key(op, program)
        if key not in self._forms:
            form = self._kept.get(repr(key))
            if form is None:
                form = measure_form(op, program, self._target)
                self._kept.put(repr(key), form)
            self._forms[key] = form
        return self._forms[key]


def _constant_operands(program: Program) -> int:
    """Bytes of the constant buffers that operators read."""
    read = {name for op in program.ops for name in op.reads}
    return sum(buffer.nbytes for buffer in program.buffers if buffer.data is not None and buffer.name in read)
