"""Channels of a buffer: the places along its last axis, and which of them an element-wise operator combines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.program.ops import Add, Copy, Mul, View
from edgeq.program.program import Buffer, Program

Elementwise = Add | Mul | Copy


def channel_count(buffer: Buffer) -> int:
    """Length of the last axis."""
    return buffer.shape[-1] if buffer.shape else 1


def walk(view: View) -> np.ndarray:
    """Offsets of a view's elements, in the order of its loops."""
    offsets = np.full(1, view.offset, np.int64)
    for size, stride in zip(view.sizes, view.strides, strict=True):
        offsets = (offsets[:, None] + np.arange(size) * stride).ravel()
    return offsets


def operands(op: Elementwise) -> tuple[tuple[str, View], ...]:
    """The buffers that an element-wise operator reads, with their views."""
    return ((op.x, op.x_view),) if isinstance(op, Copy) else ((op.x1, op.view1), (op.x2, op.view2))


def written(op: Elementwise, y: Buffer) -> np.ndarray:
    """Offsets that an element-wise operator writes, in the order of its loops."""
    return walk(op.y_view) if isinstance(op, Copy) else np.arange(y.size)


def channel_combinations(op: Elementwise, program: Program) -> np.ndarray:
    """Which channels meet in some element: distinct rows of the result's channel and each operand's."""
    y = program.buffer[op.y]
    sides = [(written(op, y), channel_count(y))]
    sides += [(walk(view), channel_count(program.buffer[name])) for name, view in operands(op)]
    return _distinct([offsets % count for offsets, count in sides], [count for _, count in sides])


def _distinct(columns: Sequence[np.ndarray], limits: Sequence[int]) -> np.ndarray:
    keys = np.unique(np.ravel_multi_index(tuple(columns), tuple(limits)))
    return np.stack(np.unravel_index(keys, tuple(limits)), axis=1)
