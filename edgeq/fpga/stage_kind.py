"""Which form of hardware a stage takes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from edgeq.program.ops import Add, AveragePool, Conv2D, Dense, Interpolate, Lut, MaxPool, Mul, Op, View
from edgeq.program.program import Program


class Kind(Enum):
    """Forms of hardware."""

    WINDOW = auto()
    """Row by row, from a ring of input rows."""
    ELEMENTWISE = auto()
    """Element by element, with no memory at all."""
    WHOLE = auto()
    """Tensors are taken in as a whole: any operator, and any group of them."""


def kind_of(ops: Sequence[Op], reads: bool, program: Program) -> Kind:
    """The leanest form that a stage of these operators can take, which reads streams or does not."""
    if len(ops) != 1:
        return Kind.WHOLE
    (op,) = ops
    if _slides(op) and reads:
        return Kind.WINDOW
    return Kind.ELEMENTWISE if _is_elementwise(op, program) else Kind.WHOLE


def _slides(op: Op) -> bool:
    return isinstance(op, Dense) or (isinstance(op, Conv2D | AveragePool | MaxPool) and op.x_shape[0] == 1)


def _is_elementwise(op: Op, program: Program) -> bool:
    """Whether elements of all operands and of the result correspond."""
    names = [*op.reads, op.y]
    streamed = all(program.buffer[name].data is None for name in names)
    alike = len({program.buffer[name].size for name in names}) == 1
    if isinstance(op, Add | Mul):
        return streamed and alike and op.x1 != op.x2 and _is_dense(op.view1) and _is_dense(op.view2)
    return isinstance(op, Lut | Interpolate) and streamed and alike


def _is_dense(view: View) -> bool:
    """Whether a view goes through its buffer in order."""
    step, dense = 1, []
    for size in reversed(view.sizes):
        dense.append(step)
        step *= size
    strides = zip(view.sizes, view.strides, reversed(dense), strict=True)
    return view.offset == 0 and all(size == 1 or stride == want for size, stride, want in strides)
