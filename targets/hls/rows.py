"""One output row of a sliding-window operator as TIR: folded loops that become pipelines of unrolled products.

The innermost serial loop is marked `pipeline`; unrolled loops are hardware side by side. Everything inside is one
cycle's work: choose the inputs, multiply, add to the running sums, keep them behind the last tap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.targets.hls.fold import Fold
from edgeq.targets.hls.geometry import Geometry
from edgeq.targets.portable.fixed_point import bind, int32

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr, PrimFunc

Product = Callable[["Expr", "Expr"], "Expr"]
"""int32 from an input element (int32) and what a table holds of a weight (int32)."""

PIPELINE = {"pipeline": 1}
"""Annotation of a loop that starts an iteration every cycle."""


class Lines:
    """The ring of input rows that a stage keeps.

    Args:
        shape: Of the operator.
        outside: What an element outside the image counts as.
    """

    def __init__(self, shape: Geometry, outside: int) -> None:
        self.shape, self.outside = shape, outside
        self.size = shape.ring * shape.row

    def load(self, lines: Buffer, iy: Expr, ix: Expr, channel: Expr) -> Expr:
        """An input element as int32; (iy, ix) may lie outside the image."""
        shape = self.shape
        place = (T.bitwise_and(iy, shape.ring - 1) * shape.width + ix) * shape.channels + channel
        value = int32(lines[place])
        if not shape.padded:
            return value
        inside = T.And(T.And(iy >= 0, iy < shape.height), T.And(ix >= 0, ix < shape.width))
        return T.Select(inside, value, self.outside)


def at(indices: Sequence[Expr], place: Sequence[int]) -> Expr:
    """Whether all loops are at a place."""
    return reduce(T.And, (index == where for index, where in zip(indices, place, strict=True)))


def folded_weights(weight: np.ndarray, fold: Fold) -> np.ndarray:
    """(o, kh, kw, c) in the order of the loops: output fold, tap, input fold, then what is done at once."""
    o, kh, kw, c = weight.shape
    parts = weight.reshape(o // fold.outputs, fold.outputs, kh * kw, c // fold.inputs, fold.inputs)
    return parts.transpose(0, 2, 3, 1, 4).reshape(-1)


def multiplied(x: Expr, weight: Expr) -> Expr:
    """The product of an input and a weight."""
    return x * weight


def shifted(x: Expr, code: Expr) -> Expr:
    """The product of an input and the power of two that a sign and exponent stand for (`StoredWeights`)."""
    magnitude = bind("magnitude", T.shift_left(x, T.max(T.max(code, 0 - code), 1) - 1))
    return T.Select(code == 0, 0, T.Select(code < 0, 0 - magnitude, magnitude))


def convolution_row(
    shape: Geometry, fold: Fold, outside: int, x_dtype: str, acc_dtype: str, product: Product = multiplied
) -> PrimFunc:
    """acc[ox, o] = bias[o] + sum of x * w for output row oy: each output reads the input channels of its group."""
    lines_of = Lines(shape, outside)
    (kh, kw), (sh, sw), (dh, dw) = shape.kernel, shape.strides, shape.dilations
    pe, simd, o, ow = fold.outputs, fold.inputs, shape.out_channels, shape.out_width
    inputs, group_folds = shape.group_inputs // simd, shape.group_outputs // pe
    weights = o * shape.taps * shape.group_inputs

    @T.prim_func(private=True)
    def kernel(
        lines_ptr: T.handle(x_dtype),
        w_ptr: T.handle("int8"),
        bias_ptr: T.handle("int32"),
        acc_ptr: T.handle(acc_dtype),
        oy: T.int32,
    ):
        T.func_attr({"tirx.noalias": True})
        lines = T.decl_buffer((lines_of.size,), x_dtype, data=lines_ptr)
        w = T.decl_buffer((weights,), "int8", data=w_ptr)
        bias = T.decl_buffer((o,), "int32", data=bias_ptr)
        acc = T.decl_buffer((ow * o,), acc_dtype, data=acc_ptr)
        sums = T.alloc_buffer((pe,), acc_dtype, scope="local")
        for ox, of, ky, kx in T.grid(ow, o // pe, kh, kw):
            for cf in T.serial(inputs, annotations=PIPELINE):
                iy: T.let[T.int32] = oy * sh + ky * dh - shape.top
                ix: T.let[T.int32] = ox * sw + kx * dw - shape.left
                step: T.let[T.int32] = ((of * kh + ky) * kw + kx) * inputs + cf
                channel: T.let[T.int32] = (T.truncdiv(of, group_folds) * inputs + cf) * simd
                for p in T.unroll(pe):
                    sums[p] = T.Select(at((ky, kx, cf), (0, 0, 0)), T.Cast(acc_dtype, bias[of * pe + p]), sums[p])
                    for s in T.unroll(simd):
                        x = bind("x", lines_of.load(lines, iy, ix, channel + s))
                        sums[p] += T.Cast(acc_dtype, product(x, int32(w[(step * pe + p) * simd + s])))
                    if at((ky, kx, cf), (kh - 1, kw - 1, inputs - 1)):
                        acc[ox * o + of * pe + p] = sums[p]

    return kernel


def depthwise_row(
    shape: Geometry, fold: Fold, outside: int, x_dtype: str, acc_dtype: str, product: Product = multiplied
) -> PrimFunc:
    """acc[ox, c] = bias[c] + sum of x * w for output row oy: each output reads its own channel."""
    lines_of = Lines(shape, outside)
    (kh, kw), (sh, sw), (dh, dw) = shape.kernel, shape.strides, shape.dilations
    pe, o, ow = fold.outputs, shape.out_channels, shape.out_width

    @T.prim_func(private=True)
    def kernel(
        lines_ptr: T.handle(x_dtype),
        w_ptr: T.handle("int8"),
        bias_ptr: T.handle("int32"),
        acc_ptr: T.handle(acc_dtype),
        oy: T.int32,
    ):
        T.func_attr({"tirx.noalias": True})
        lines = T.decl_buffer((lines_of.size,), x_dtype, data=lines_ptr)
        w = T.decl_buffer((o * kh * kw,), "int8", data=w_ptr)
        bias = T.decl_buffer((o,), "int32", data=bias_ptr)
        acc = T.decl_buffer((ow * o,), acc_dtype, data=acc_ptr)
        sums = T.alloc_buffer((pe,), acc_dtype, scope="local")
        for ox, of, ky in T.grid(ow, o // pe, kh):
            for kx in T.serial(kw, annotations=PIPELINE):
                iy: T.let[T.int32] = oy * sh + ky * dh - shape.top
                ix: T.let[T.int32] = ox * sw + kx * dw - shape.left
                step: T.let[T.int32] = (of * kh + ky) * kw + kx
                for p in T.unroll(pe):
                    start = bind("start", T.Cast(acc_dtype, bias[of * pe + p]))
                    x = bind("x", lines_of.load(lines, iy, ix, of * pe + p))
                    weighted = bind("weighted", T.Cast(acc_dtype, product(x, int32(w[step * pe + p]))))
                    sums[p] = T.Select(at((ky, kx), (0, 0)), start, sums[p]) + weighted
                    if at((ky, kx), (kh - 1, kw - 1)):
                        acc[ox * o + of * pe + p] = sums[p]

    return kernel


def pool_row(shape: Geometry, fold: Fold, zero_point: int | None, x_dtype: str) -> PrimFunc:
    """acc[ox, c] = sum of x - zero_point over the valid elements for output row oy; without zero point, the maximum."""
    lowest = int(np.iinfo(x_dtype).min)
    lines_of = Lines(shape, lowest if zero_point is None else zero_point)
    (kh, kw), (sh, sw), (dh, dw) = shape.kernel, shape.strides, shape.dilations
    pe, o, ow = fold.outputs, shape.out_channels, shape.out_width
    start = lowest if zero_point is None else 0

    def joined(so_far: Expr, value: Expr) -> Expr:
        return T.max(so_far, value) if zero_point is None else so_far + (value - zero_point)

    @T.prim_func(private=True)
    def kernel(lines_ptr: T.handle(x_dtype), acc_ptr: T.handle("int32"), oy: T.int32):
        T.func_attr({"tirx.noalias": True})
        lines = T.decl_buffer((lines_of.size,), x_dtype, data=lines_ptr)
        acc = T.decl_buffer((ow * o,), "int32", data=acc_ptr)
        sums = T.alloc_buffer((pe,), "int32", scope="local")
        for ox, of, ky in T.grid(ow, o // pe, kh):
            for kx in T.serial(kw, annotations=PIPELINE):
                iy: T.let[T.int32] = oy * sh + ky * dh - shape.top
                ix: T.let[T.int32] = ox * sw + kx * dw - shape.left
                for p in T.unroll(pe):
                    value = bind("value", lines_of.load(lines, iy, ix, of * pe + p))
                    sums[p] = joined(T.Select(at((ky, kx), (0, 0)), T.int32(start), sums[p]), value)
                    if at((ky, kx), (kh - 1, kw - 1)):
                        acc[ox * o + of * pe + p] = sums[p]

    return kernel
