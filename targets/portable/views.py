"""Loops over several views at once: fewest loops, and the place of an element in each view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeq.program.ops import View

if TYPE_CHECKING:
    from tvm.tirx import Expr, Var


def merge(views: Sequence[View]) -> tuple[View, ...]:
    """The same elements in the same order with the fewest loops: what is contiguous in every view becomes one loop.

    Args:
        views: Of equal sizes.
    """
    sizes: list[int] = []
    strides: list[list[int]] = [[] for _ in views]
    for axis, size in enumerate(views[0].sizes):
        if size == 1:
            continue
        if sizes and all(s[-1] == view.strides[axis] * size for s, view in zip(strides, views, strict=True)):
            sizes[-1] *= size
            for s, view in zip(strides, views, strict=True):
                s[-1] = view.strides[axis]
        else:
            sizes.append(size)
            for s, view in zip(strides, views, strict=True):
                s.append(view.strides[axis])
    return tuple(
        View(tuple(sizes) or (1,), tuple(s) or (0,), view.offset) for s, view in zip(strides, views, strict=True)
    )


def dense_view(sizes: Sequence[int]) -> View:
    """The row-major view of a dense array."""
    strides, step = [], 1
    for size in reversed(sizes):
        strides.append(step)
        step *= size
    return View(tuple(sizes), tuple(reversed(strides)))


def place(view: View, loops: Var | Sequence[Var]) -> Expr:
    """Index of the element at the given loop variables (a single one where the view has one loop)."""
    variables = loops if len(view.sizes) > 1 else (loops,)
    return sum((v * stride for v, stride in zip(variables, view.strides, strict=True)), view.offset)
