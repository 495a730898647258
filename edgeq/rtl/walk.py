"""A copy as a walk over its input in memory order: what is skipped, what is used, and where that goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from edgeq.errors import UnsupportedError
from edgeq.program.ops import Copy, View


@dataclass(frozen=True)
class Axis:
    """One loop of a walk."""

    size: int
    x_stride: int
    y_stride: int


@dataclass(frozen=True)
class Walk:
    """Nested loops, the innermost first, in which elements of the input come in the order of its memory.

    Attributes:
        axes: At least one.
        x_start, y_start: Offset of the first element, in both tensors.
        x_size: Elements of the input.
    """

    axes: tuple[Axis, ...]
    x_start: int
    y_start: int
    x_size: int

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(axis.size for axis in self.axes)

    @property
    def advances(self) -> tuple[int, ...]:
        """By the loop that goes on while those inside of it begin anew: how far the input goes on; 0 to stay."""
        return _jumps([(axis.size, axis.x_stride) for axis in self.axes])

    @property
    def steps(self) -> tuple[int, ...]:
        """By the same loop: how far the place in the output moves."""
        return _jumps([(axis.size, axis.y_stride) for axis in self.axes])

    @property
    def tail(self) -> int:
        """Elements from the last one that is used to the end of the input, that one included."""
        return self.x_size - self.x_start - sum((axis.size - 1) * axis.x_stride for axis in self.axes)

    @property
    def cycles(self) -> int:
        """One for each element of the input, and one for each further use of it."""
        used = prod(axis.size for axis in self.axes if axis.x_stride)
        return self.x_size + prod(self.sizes) - used


def walk(op: Copy, x_size: int) -> Walk:
    """The walk of a copy out of a buffer of `x_size` elements.

    Raises:
        UnsupportedError: Loops of its input view interleave, so that no order of them is that of memory.
    """
    x_start, y_start = op.x_view.offset, op.y_view.offset
    axes = []
    for axis in _axes(op.x_view, op.y_view):
        if axis.x_stride < 0:  # the same elements from the other end
            x_start += (axis.size - 1) * axis.x_stride
            y_start += (axis.size - 1) * axis.y_stride
            axis = replace(axis, x_stride=-axis.x_stride, y_stride=-axis.y_stride)
        axes.append(axis)
    axes.sort(key=lambda axis: axis.x_stride)
    reach = 0
    for axis in axes:
        if reach and axis.x_stride <= reach:
            raise UnsupportedError(
                "fpga-rtl cannot copy out of a view whose elements overlap",
                node=op.name,
                fix="--target fpga-hls has every operator",
            )
        reach += (axis.size - 1) * axis.x_stride
    return Walk(tuple(axes) or (Axis(1, 0, 0),), x_start, y_start, x_size)


def _axes(x: View, y: View) -> list[Axis]:
    """The loops that do more than one round."""
    return [Axis(*axis) for axis in zip(x.sizes, x.strides, y.strides, strict=True) if axis[0] > 1]


def _jumps(loops: list[tuple[int, int]]) -> tuple[int, ...]:
    """By the loop that goes on, the innermost first: its stride, less the way back of the loops inside of it."""
    back, jumps = 0, []
    for size, stride in loops:
        jumps.append(stride - back)
        back += (size - 1) * stride
    return tuple(jumps)
