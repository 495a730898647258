"""Pooling over NHWC, a word of neighbouring channels at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tvm.script import tirx as T

from edgeq.lower.assembly import opaque
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.program.ops import AveragePool, MaxPool
    from edgeq.program.program import Program

Visit = Callable[["Expr"], None]

LANES = 4
"""Channels of a word of bytes."""

STRAIGHT = 9
"""Taps of one unrolled step at most."""


def is_in_words(op: AveragePool | MaxPool) -> bool:
    """True for the pooling whose windows `Taps` walks through."""
    return op.x_shape[3] >= LANES and (op.dilations == (1, 1) or Window(op, op.kernel).always_inside)


def in_packed_words(fits: Callable[[Any], bool]) -> Callable[[Any, Program], bool]:
    """From the condition of a pooling kernel that on packed operators: their pixels are words, or more, whole bytes."""

    def holds(op: AveragePool | MaxPool, program: Program) -> bool:
        channels = op.x_shape[3]
        return fits(op) and program.buffer[op.x].packed and channels % 2 == 0 and channels >= 2 * LANES

    return holds


def is_whole(op: AveragePool | MaxPool) -> bool:
    """True if one window is the whole image: global pooling."""
    return op.kernel == op.x_shape[1:3] and op.y_shape[1:3] == (1, 1) and op.pads == (0, 0, 0, 0)


@dataclass(frozen=True)
class Taps:
    """Walks through the taps of windows that lie in the image.

    Attributes:
        op: The pooling operator.
    """

    op: AveragePool | MaxPool

    @property
    def window(self) -> Window:
        """Its geometry."""
        return Window(self.op, self.op.kernel)

    def interior(self, oy: Expr, ox: Expr) -> Expr:
        """Whether the whole window at an output position lies in the image."""
        window, (kh, kw) = self.window, self.op.kernel
        first = T.And(window.row(oy, 0) >= 0, window.column(ox, 0) >= 0)
        last = T.And(window.row(oy, kh - 1) < window.height, window.column(ox, kw - 1) < window.width)
        return T.And(first, last)

    def emit(self, image: Expr, oy: Expr, ox: Expr, channel: Expr, visit: Visit) -> None:
        """Code that visits the taps of the window at an output position.

        Args:
            image: Number of the image in the batch.
            channel: First of the word's.
            visit: Writes code for a tap, given where in the image its channels begin.
        """
        if self.window.always_inside:
            self._all(image, oy, ox, channel, visit)
            return
        with T.If(self.interior(oy, ox)):
            with T.Then():
                self._all(image, oy, ox, channel, visit)
            with T.Else():
                self._valid(image, oy, ox, channel, visit)

    def _all(self, image: Expr, oy: Expr, ox: Expr, channel: Expr, visit: Visit) -> None:
        kh, kw = self.op.kernel
        if kh * kw <= STRAIGHT:
            for ky in range(kh):
                self._neighbours(kw, self._place(image, oy, ox, channel, ky, 0), visit)
            return
        kh, kw = (1, kh * kw) if is_whole(self.op) else (kh, kw)
        unroll = max(u for u in range(1, STRAIGHT + 1) if kw % u == 0)
        # Opaque: LLVM would unroll a loop of known length further.
        with T.serial(opaque(T.int32(kh)) if kh > 1 else 1) as ky, T.serial(kw // unroll) as i:
            self._neighbours(unroll, self._place(image, oy, ox, channel, ky, i * unroll), visit)

    def _neighbours(self, count: int, first: Expr, visit: Visit) -> None:
        for i in range(count):
            visit(first + i * self.op.dilations[1] * self.op.x_shape[3])

    def _place(self, image: Expr, oy: Expr, ox: Expr, channel: Expr, ky: Expr, kx: Expr) -> Expr:
        """Where the channels of a tap begin."""
        _, ih, iw, c = self.op.x_shape
        return ((image * ih + self.window.row(oy, ky)) * iw + self.window.column(ox, kx)) * c + channel

    def _valid(self, image: Expr, oy: Expr, ox: Expr, channel: Expr, visit: Visit) -> None:
        rows, columns = self.bounds(oy, ox)
        with T.serial(rows[1] - rows[0]) as ky, T.serial(columns[1] - columns[0]) as kx:
            visit(self._place(image, oy, ox, channel, rows[0] + ky, columns[0] + kx))

    def bounds(self, oy: Expr, ox: Expr) -> tuple[tuple[Expr, Expr], tuple[Expr, Expr]]:
        """First kernel row and column that lie in the image, and those behind the last."""
        window, (kh, kw) = self.window, self.op.kernel
        row, column = window.row(oy, 0), window.column(ox, 0)
        rows = T.max(0, -row), T.min(kh, window.height - row)
        return rows, (T.max(0, -column), T.min(kw, window.width - column))

    def count(self, oy: Expr, ox: Expr) -> Expr:
        """Taps that lie in the image."""
        rows, columns = self.bounds(oy, ox)
        return (rows[1] - rows[0]) * (columns[1] - columns[0])
