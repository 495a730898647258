"""What a kernel takes of a target, apart from the numbers that are baked into it."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.lower.generated import Generated, Placement, Table
from edgeq.lower.lower import plan_memory
from edgeq.lower.lowered import Kernel, Lowered
from edgeq.lower.objects import compile_objects
from edgeq.lower.select import select
from edgeq.program.ops import Op, Requantize
from edgeq.program.program import Program

if TYPE_CHECKING:
    from edgeq.targets.target import Target

BAKED = frozenset({"zero_point", "x_zero_point", "x1_zero_point", "x2_zero_point", "lo", "hi", "left", "m1", "m2", "c"})
"""Fields that are numbers inside a kernel, and hardly change its size."""

SHIFTS = frozenset({"right", "shift"})
"""Fields that change a kernel by whether they are zero."""

_NAMES = frozenset({"name", "x", "x1", "x2", "y"})
"""Fields that name an operator and its buffers."""


@dataclass(frozen=True)
class Form:
    """Sizes of a kernel, in bytes.

    Attributes:
        code, stack: Of its object.
        weights, constants: Of its tables.
        arguments: Number of its pointers.
        fast, lean: Its place in memory, and that of the slower kernel that takes less; the same where there is none.
    """

    code: int
    stack: int
    weights: int
    constants: int
    arguments: int
    fast: Placement
    lean: Placement

    def to_json(self) -> str:
        """For a file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Form:
        """What `to_json` gave."""
        data = json.loads(text)
        return cls(**{**data, "fast": Placement(**data["fast"]), "lean": Placement(**data["lean"])})


def measure_form(op: Op, program: Program, target: Target) -> Form:
    """Generates and compiles the kernel of an operator.

    Raises:
        UnsupportedError: The target has none for it.
    """
    generated = select(op, program, target).generate(op, program, target)
    alone = Lowered(program, target, (Kernel("kernel", op.kind, generated.func),), (), (), plan_memory(program, []))
    (compiled,) = compile_objects(alone)
    lean = generated.lean() if generated.lean else generated
    return Form(
        compiled.code_bytes,
        compiled.stack_bytes,
        _table_bytes(generated, "weights"),
        _table_bytes(generated, "constants"),
        len(generated.operands),
        generated.placement,
        lean.placement,
    )


def _table_bytes(generated: Generated, kind: str) -> int:
    tables = [operand for operand in generated.operands if isinstance(operand, Table)]
    return sum(table.data.nbytes for table in tables if table.kind == kind)


def signature(op: Op, program: Program) -> Hashable:
    """What the kernel of an operator depends on; operators with equal ones share a kernel."""
    return _described(op, program, _exactly)


def form_key(op: Op, program: Program) -> Hashable:
    """What the sizes of an operator's kernel depend on, but for some bytes."""
    return _described(op, program, _roughly)


Rule = Callable[[str, Any], Hashable]
"""From the name and the value of a field to what counts of it."""


def _described(op: Op, program: Program, rule: Rule) -> Hashable:
    buffers = [program.buffer[name] for name in op.reads + op.writes]
    return (op.kind, *((b.bits, b.shape, b.data is None) for b in buffers), *_values(op, rule))


def _values(item: Op | Requantize, rule: Rule) -> tuple[Hashable, ...]:
    return tuple(_value(f.name, getattr(item, f.name), rule) for f in fields(item) if f.name not in _NAMES)


def _value(name: str, value: Any, rule: Rule) -> Hashable:
    """Arrays count by their shape, since kernels get them by pointer."""
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype)
    return _values(value, rule) if isinstance(value, Requantize) else rule(name, value)


def _exactly(name: str, value: Any) -> Hashable:
    return value


def _roughly(name: str, value: Any) -> Hashable:
    if name in SHIFTS:
        return value != 0
    return None if name in BAKED else value
