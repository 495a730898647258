"""Which operators may write over what they are still reading, and how far behind.

An element-wise operator reads an element and then writes the one at the same place: its result may lie exactly where
its operand lay. A kernel that makes the rows of an image in order is done with the first rows of its input long before
it writes the last of its output: its result may begin so many bytes below its input that no write reaches a row that
is still needed (Pickering et al., "Diagonal Memory Optimisation for Machine Learning on Micro-controllers", 2020).
"""

from __future__ import annotations

import numpy as np

from edgeq.program.ops import Add, AveragePool, Conv2D, Copy, Interpolate, Lut, MaxPool, Mul, Op, View
from edgeq.program.program import Program


def in_place_operands(op: Op) -> tuple[str, ...]:
    """Operands that an element-wise kernel reads at the very index that it writes next."""
    match op:
        case Lut() | Interpolate():
            return (op.x,)
        case Add() | Mul():
            elsewhere = {x for x, view in ((op.x1, op.view1), (op.x2, op.view2)) if not is_dense(view)}
            return tuple(x for x in (op.x1, op.x2) if x not in elsewhere)
        case Copy() if op.x_view == op.y_view:
            return (op.x,) if is_dense(op.x_view) else ()
    return ()


def is_dense(view: View) -> bool:
    """True for a view that walks over a buffer from its first element on, without a gap."""
    step = 1
    for size, stride in zip(reversed(view.sizes), reversed(view.strides), strict=True):
        if stride != step:
            return False
        step *= size
    return view.offset == 0


def row_distance(op: Conv2D | AveragePool | MaxPool, program: Program, *, buffered: bool) -> int:
    """How far below x y must begin at least, in bytes, for a kernel that completes each row of y before the next.

    Args:
        buffered: The kernel reads each row of x once, and all that a row of y needs before it writes that row.
    """
    x, y = program.buffer[op.x], program.buffer[op.y]
    free = _free_rows(op, buffered=buffered)
    written = (np.arange(len(free)) + 1) * (y.nbytes // len(free))
    return step_distance(written, free * (x.nbytes // (op.x_shape[0] * op.x_shape[1])))


def step_distance(written: np.ndarray, free: np.ndarray) -> int:
    """How far below x y must begin at least, in bytes, for a kernel that works in steps.

    Args:
        written: By step: bytes of y that are complete after it.
        free: By step: bytes at the beginning of x that are not read any more when it first writes.
    """
    return max(0, int((written - free).max()))


def _free_rows(op: Conv2D | AveragePool | MaxPool, *, buffered: bool) -> np.ndarray:
    """For each row of y, in order: how many rows of x are not read any more while it is written."""
    (n, ih, *_), (_, oh, *_) = op.x_shape, op.y_shape
    taps = op.weight.shape[1] if isinstance(op, Conv2D) else op.kernel[0]
    first = np.arange(oh) * op.strides[0] - op.pads[0]
    behind = first + (taps - 1) * op.dilations[0] + 1
    free = (behind if buffered else first).clip(0, ih)
    return (np.arange(n)[:, None] * ih + free).ravel()
