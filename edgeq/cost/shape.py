"""What decides how long a kernel call takes: which kernel it is, and the numbers of its loops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np

from edgeq.program.ops import Add, AveragePool, Conv2D, Copy, Dense, LayerNorm, MatMul, MaxPool, Mul, Op, Softmax

if TYPE_CHECKING:
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


@dataclass(frozen=True)
class Loops:
    """The loops of an operator, as numbers of elements.

    Attributes:
        rows: Rows of output positions.
        columns: Output positions in a row.
        depth: Output elements at a position.
        inputs: Elements read at all.
        window: (height, width) of what one output depends on.
        strides: Of the window.
        taps: Elements of one channel group's window: products in one output.
        groups: Of channels.
    """

    rows: int
    columns: int
    depth: int
    inputs: int
    window: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    taps: int = 1
    groups: int = 1

    @property
    def piece(self) -> int:
        """Neighbouring elements of a window: one of its rows."""
        return max(self.taps // max(self.window[0], 1), 1)


@dataclass(frozen=True)
class KernelShape:
    """A kernel and what it is called with; equal ones take equal time.

    Attributes:
        kernel: `<family>.<function>` of the rule that does the operator.
        weight_bits: Of its weights; 8 where it has none.
        activation_bits: Of its widest buffer.
    """

    kernel: str
    weight_bits: int
    activation_bits: int
    loops: Loops


def kernel_shape(op: Op, program: Program, target: Target) -> KernelShape:
    """The shape of an operator on a target.

    Raises:
        UnsupportedError: It has no kernel there.
    """
    from edgeq.lower.select import select

    made = select(op, program, target).generate
    bits = max(program.buffer[name].bits for name in op.reads + op.writes)
    kernel = f"{made.__module__.split('.')[-2]}.{made.__name__}"
    return KernelShape(kernel, getattr(op, "weight_bits", 8), bits, loops_of(op, program))


@singledispatch
def loops_of(op: Op, program: Program) -> Loops:
    """The loops of an operator; those without a shape of their own run over the elements that they write."""
    size = program.buffer[op.y].size
    return Loops(1, 1, size, size)


@loops_of.register(Conv2D)
def _(op: Conv2D, program: Program) -> Loops:
    n, oh, ow, o = op.y_shape
    taps = int(np.prod(op.weight.shape[1:]))
    window = (op.weight.shape[1], op.weight.shape[2])
    return Loops(n * oh, ow, o, int(np.prod(op.x_shape)), window, op.strides, taps, op.groups)


@loops_of.register(Dense)
def _(op: Dense, program: Program) -> Loops:
    o, k = op.weight.shape
    return Loops(op.rows, 1, o, op.rows * k, taps=k)


@loops_of.register(AveragePool)
@loops_of.register(MaxPool)
def _(op: AveragePool | MaxPool, program: Program) -> Loops:
    n, oh, ow, o = op.y_shape
    taps = op.kernel[0] * op.kernel[1]
    return Loops(n * oh, ow, o, int(np.prod(op.x_shape)), op.kernel, op.strides, taps, o)


@loops_of.register(Add)
@loops_of.register(Mul)
def _(op: Add | Mul, program: Program) -> Loops:
    return _nest(op.view1.sizes)


@loops_of.register(Copy)
def _(op: Copy, program: Program) -> Loops:
    return _nest(op.y_view.sizes)


@loops_of.register(Softmax)
@loops_of.register(LayerNorm)
def _(op: Softmax | LayerNorm, program: Program) -> Loops:
    return Loops(op.rows, 1, op.n, op.rows * op.n)


@loops_of.register(MatMul)
def _(op: MatMul, program: Program) -> Loops:
    return Loops(op.batch * op.m, 1, op.n, op.batch * op.m * op.k, taps=op.k)


def _nest(sizes: tuple[int, ...]) -> Loops:
    """Of nested loops; the innermost counts as the depth."""
    *outer, depth = sizes or (1,)
    rows = int(np.prod(outer, dtype=np.int64))
    return Loops(rows, 1, depth, rows * depth)
