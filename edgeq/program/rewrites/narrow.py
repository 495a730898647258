"""Rewrites every operator for buffers that lose channels."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch
from typing import Any, TypeVar

import numpy as np

from edgeq.program.ops import Add, AveragePool, Conv2D, Copy, Dense, MaxPool, Mul, Op, Requantize
from edgeq.program.program import Program
from edgeq.program.rewrites.cut import Cut
from edgeq.program.rewrites.readers import by_channel, folded_bias

Shape4 = tuple[int, int, int, int]
Windowed = TypeVar("Windowed", Conv2D, AveragePool, MaxPool)


def narrow(cut: Cut) -> Program:
    """The program without the dropped channels."""
    ops = (narrow_op(op, cut) for op in cut.program.ops)
    buffers = tuple(map(cut.buffer, cut.program.buffers))
    return replace(cut.program, buffers=buffers, ops=tuple(op for op in ops if op is not None))


@singledispatch
def narrow_op(op: Op, cut: Cut) -> Op | None:
    """The operator on narrowed buffers; None where nothing is left to do.

    Here the operators whose description says nothing of channels.
    """
    return op


@narrow_op.register
def _conv2d(op: Conv2D, cut: Cut) -> Conv2D:
    if op.x in cut and op.groups == 1:
        op = replace(op, bias=_folded(op, cut), weight=op.weight[..., cut.kept(op.x)], block=0)
    elif op.x in cut:
        op = replace(op, groups=int(cut.kept(op.x).sum()))
    if op.y in cut:
        op = replace(op, **_fewer_outputs(op, cut.kept(op.y)))
    return _reshaped(op, cut)


@narrow_op.register
def _dense(op: Dense, cut: Cut) -> Dense:
    if op.x in cut:
        kept = cut.kept(op.x)
        weight = by_channel(op, len(kept))[:, :, kept].reshape(len(op.weight), -1)
        op = replace(op, bias=_folded(op, cut), weight=weight, block=0)
    return replace(op, **_fewer_outputs(op, cut.kept(op.y))) if op.y in cut else op


def _folded(op: Conv2D | Dense, cut: Cut) -> np.ndarray:
    return folded_bias(op, cut.bounds[op.x].lo, cut.dropped[op.x])


def _fewer_outputs(op: Conv2D | Dense, kept: np.ndarray) -> dict[str, Any]:
    return {"weight": op.weight[kept], "bias": op.bias[kept], "requantize": _fewer_multipliers(op.requantize, kept)}


def _fewer_multipliers(rq: Requantize, kept: np.ndarray) -> Requantize:
    negative = None if rq.negative is None else _taken(rq.negative, kept)
    return replace(rq, multiplier=_taken(rq.multiplier, kept), negative=negative)


def _taken(multiplier: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return multiplier if len(multiplier) == 1 else multiplier[kept]


@narrow_op.register
def _average_pool(op: AveragePool, cut: Cut) -> AveragePool:
    return _reshaped(op, cut)


@narrow_op.register
def _max_pool(op: MaxPool, cut: Cut) -> MaxPool:
    return _reshaped(op, cut)


def _reshaped(op: Windowed, cut: Cut) -> Windowed:
    return replace(op, x_shape=_shape(op.x, op.x_shape, cut), y_shape=_shape(op.y, op.y_shape, cut))


def _shape(name: str, shape: Shape4, cut: Cut) -> Shape4:
    return (*shape[:3], int(cut.kept(name).sum())) if name in cut else shape


@narrow_op.register
def _binary(op: Add | Mul, cut: Cut) -> Add | Mul:
    if not any(name in cut for name in op.reads + op.writes):
        return op
    view1, view2 = cut.views(op)  # type: ignore[misc]  # `unreachable` has made sure that there are some
    return replace(op, view1=view1, view2=view2)


@narrow_op.register
def _copy(op: Copy, cut: Cut) -> Copy | None:
    if not any(name in cut for name in op.reads + op.writes):
        return op
    found = cut.views(op)
    return replace(op, x_view=found[0], y_view=found[1]) if found else None
