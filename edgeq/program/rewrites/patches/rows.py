"""Which rows of its operands an operator needs for some rows of its result, and the operator that makes just those."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from edgeq.program.ops import Add, AveragePool, Conv2D, Interpolate, Lut, MaxPool, Mul, Op, View
from edgeq.program.planner.overlap import is_dense
from edgeq.program.program import Program
from edgeq.program.rewrites.windows import Windowed, kernel_of


class Rows(NamedTuple):
    """Rows of an image, from the first up to but not including the last."""

    first: int
    last: int

    def hull(self, other: Rows) -> Rows:
        """The least range that holds both."""
        return Rows(min(self.first, other.first), max(self.last, other.last))


def works_by_rows(op: Op, program: Program) -> bool:
    """True for an operator that can make some rows of its result alone."""
    images = [program.buffer[name] for name in op.reads + op.writes]
    if any(b.data is not None or len(b.shape) != 4 or b.shape[0] != 1 for b in images):
        return False
    match op:
        case Conv2D() | AveragePool() | MaxPool():
            shapes = (op.x_shape, op.y_shape)
            return shapes == tuple(b.shape for b in images) and _meets_rows(op)
        case Lut() | Interpolate():
            return images[0].shape == images[1].shape
        case Add() | Mul():
            return len({b.shape for b in images}) == 1 and is_dense(op.view1) and is_dense(op.view2)
    return False


def _meets_rows(op: Windowed) -> bool:
    """True if no window lies in padding altogether."""
    ends = (needed_rows(op, Rows(row, row + 1)) for row in (0, op.y_shape[1] - 1))
    return all(rows.first < rows.last for rows in ends)


def _reach(op: Windowed, rows: Rows) -> Rows:
    """As `needed_rows`, padding included."""
    (stride, _), (dilation, _), (taps, _) = op.strides, op.dilations, kernel_of(op)
    return Rows(rows.first * stride - op.pads[0], (rows.last - 1) * stride - op.pads[0] + (taps - 1) * dilation + 1)


def needed_rows(op: Op, rows: Rows) -> Rows:
    """Rows of its operands that `op` reads to make these rows of its result."""
    if not isinstance(op, Windowed):
        return rows
    reach = _reach(op, rows)
    return Rows(max(reach.first, 0), min(reach.last, op.x_shape[1]))


def for_rows(op: Op, rows: Rows, program: Program, **operands: str) -> Op:
    """The operator that makes these rows of the result of `op` from the rows that it needs.

    Args:
        operands: Its `y`, and its `x` or `x1` and `x2`.
    """
    given: dict[str, Any] = dict(operands)
    if isinstance(op, Windowed):
        reach, needed = _reach(op, rows), needed_rows(op, rows)
        settings: dict[str, Any] = {
            "x_shape": (1, needed.last - needed.first, *op.x_shape[2:]),
            "y_shape": (1, rows.last - rows.first, *op.y_shape[2:]),
            "pads": (needed.first - reach.first, op.pads[1], reach.last - needed.last, op.pads[3]),
        }
        if isinstance(op, AveragePool):
            settings["counts"] = op.counts[rows.first : rows.last].copy()
        return replace(op, **settings, **given)
    if isinstance(op, Add | Mul):
        _, _, width, channels = program.buffer[op.y].shape
        view = View(((rows.last - rows.first) * width * channels,), (1,))
        return replace(op, view1=view, view2=view, **given)
    return replace(op, **given)
