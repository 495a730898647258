"""Convolutions and fully connected layers whose weights are narrow codes with a factor for each block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.ops import Conv2D, Dense
from edgeq.program.planner import row_distance
from edgeq.quant.blocks import factored
from edgeq.targets.portable.fixed_point import Requantizer, accumulator, bind, int32
from edgeq.targets.portable.tables import Channels, Weights
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def in_blocks(op: Conv2D | Dense) -> bool:
    """Whether the weights are stored as codes and factors."""
    return op.block > 0


class _Sums:
    """Sums of products over the channels of one tap, block by block."""

    def __init__(self, op: Conv2D) -> None:
        blocks = factored(op.weight.reshape(-1, op.block))
        self.acc_dtype = accumulator(op.requantize)
        self.codes = Weights(blocks.codes.reshape(-1), blocks.bits)
        self.factors = Table(blocks.factors, "weights")
        self.per_tap = op.weight.shape[-1] // op.block
        self.w_dtype, self.w_size, self.f_size = self.codes.dtype, self.codes.size, len(blocks.factors)

    def scaled(self, total: Expr, factors: Buffer, block: Expr) -> Expr:
        """A block's share of the accumulator."""
        return T.Cast(self.acc_dtype, total) * T.Cast(self.acc_dtype, factors[block])


def dense_blocked(op: Dense, program: Program, target: Target) -> Generated:
    """Matrix product; a row is a pixel, and the matrix a 1x1 kernel."""
    (o, k), rows = op.weight.shape, op.rows
    shapes = (1, rows, 1, k), (1, rows, 1, o)
    conv = Conv2D(op.name, op.y, op.x, *shapes, op.weight[:, None, None], 8, op.bias, 0, op.requantize, block=op.block)
    return conv2d_blocked(conv, program, target)


def conv2d_blocked(op: Conv2D, program: Program, target: Target) -> Generated:
    """Convolution with codes in the order (o, kh, kw, c); each tap of the kernel is tested."""
    sums, channels = _Sums(op), Channels(op.bias, op.requantize)
    form = Requantizer(op.requantize, target, program.buffer[op.y].dtype)
    (n, ih, iw, c), (_, oh, ow, o), (_, kh, kw, _) = op.x_shape, op.y_shape, op.weight.shape
    window, zero_point, size, per_tap = Window(op, (kh, kw)), op.x_zero_point, op.block, sums.per_tap
    x_dtype, w_dtype, y_dtype, acc_dtype = program.buffer[op.x].dtype, sums.w_dtype, form.dtype, sums.acc_dtype

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle(x_dtype),
        w_ptr: T.handle(w_dtype),
        factors_ptr: T.handle("int8"),
        table_ptr: T.handle("int32"),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), x_dtype, data=x_ptr)
        w = T.decl_buffer((sums.w_size,), w_dtype, data=w_ptr)
        factors = T.decl_buffer((sums.f_size,), "int8", data=factors_ptr)
        table = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((n * oh * ow * o,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((1,), acc_dtype, scope="local")
        total = T.alloc_buffer((1,), "int32", scope="local")
        for b, oy, ox, oc in T.grid(n, oh, ow, o):
            acc[0] = table[oc].astype(acc_dtype)
            for ky, kx in T.grid(kh, kw):
                iy: T.let[T.int32] = window.row(oy, ky)
                ix: T.let[T.int32] = window.column(ox, kx)
                first: T.let[T.int32] = ((oc * kh + ky) * kw + kx) * per_tap
                if window.inside(iy, ix):
                    x_tap: T.let[T.int32] = ((b * ih + iy) * iw + ix) * c
                    for block in T.serial(per_tap):
                        total[0] = 0
                        for i in T.serial(size):
                            code = bind("code", sums.codes.load(w, (first + block) * size + i))
                            total[0] += int32(x[x_tap + block * size + i]) * code
                        acc[0] += sums.scaled(total[0], factors, first + block)
                elif zero_point != 0:
                    for block in T.serial(per_tap):
                        total[0] = 0
                        for i in T.serial(size):
                            total[0] += zero_point * sums.codes.load(w, (first + block) * size + i)
                        acc[0] += sums.scaled(total[0], factors, first + block)
            y[((b * oh + oy) * ow + ox) * o + oc] = channels.requantize(form, acc[0], table, oc)

    operands = (Reads(op.x), sums.codes.table, sums.factors, channels.table, Writes(op.y))
    return Generated(kernel, operands, row_distance(op, program, buffered=False))
