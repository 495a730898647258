"""Depthwise convolution with windows of any shape: four channels side by side, tap by tap.

A word of four channels and one of their weights become two words of halves each, which SMLABB and SMLATT multiply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.dsp.intrinsics import load_word, odd_bytes, sxtb16
from edgeq.targets.dsp.planes import CHANNELS
from edgeq.targets.dsp.requantize import output_stage
from edgeq.targets.portable.depthwise import one_output_per_channel
from edgeq.targets.portable.fixed_point import bind, int32
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def is_in_fours(op: Conv2D) -> bool:
    """True for the depthwise convolutions that this kernel does."""
    return one_output_per_channel(op) and op.x_shape[3] % CHANNELS == 0 and not op.requantize.right


@dataclass(frozen=True, eq=False)
class Taps:
    """Code for taps of a window over four channels; `acc` holds their sums."""

    x: Buffer
    w: Buffer
    acc: Buffer

    def accumulate(self, source: Expr, tap: Expr) -> None:
        """Adds the products of the elements at x[source] and the weights at w[tap]."""
        self._products(bind("four", load_word(self.x, source)), tap)

    def outside(self, zero_point: int, tap: Expr) -> None:
        """The same for a tap outside the image."""
        self._products(T.int32(int.from_bytes([zero_point & 0xFF] * CHANNELS, "little", signed=True)), tap)

    def _products(self, four: Expr, tap: Expr) -> None:
        weights = bind("weights", load_word(self.w, tap))
        for first, half in enumerate((sxtb16, odd_bytes)):
            a, b = bind("a", half(four)), bind("b", half(weights))
            T.buffer_store(self.acc, self.acc[first] + _low(a) * _low(b), [first])
            T.buffer_store(self.acc, self.acc[first + 2] + T.shift_right(a, 16) * T.shift_right(b, 16), [first + 2])


def _low(word: Expr) -> Expr:
    return int32(T.Cast("int16", word))


def depthwise_taps(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution with weights in the order (kh, kw, c): contiguous along channels, as the image is."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    _, kh, kw, _ = op.weight.shape
    window, zero_point = Window(op, (kh, kw)), op.x_zero_point
    y_dtype = program.buffer[op.y].dtype
    form, channels = output_stage(op.bias, op.requantize, target, y_dtype)
    table = Table(op.weight.transpose(1, 2, 3, 0).reshape(-1), "weights")

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"), w_ptr: T.handle("int8"), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), "int8", data=x_ptr)
        w = T.decl_buffer((kh * kw * c,), "int8", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((n * oh * ow * c,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((CHANNELS,), "int32", scope="local")
        for b, oy, ox, group in T.grid(n, oh, ow, c // CHANNELS):
            first: T.let[T.int32] = group * CHANNELS
            for i in range(CHANNELS):
                acc[i] = numbers[first + i]
            for ky, kx in T.grid(kh, kw):
                iy: T.let[T.int32] = window.row(oy, ky)
                ix: T.let[T.int32] = window.column(ox, kx)
                if window.inside(iy, ix):
                    Taps(x, w, acc).accumulate(((b * ih + iy) * iw + ix) * c + first, (ky * kw + kx) * c + first)
                else:
                    Taps(x, w, acc).outside(zero_point, (ky * kw + kx) * c + first)
            for i in range(CHANNELS):
                y[((b * oh + oy) * ow + ox) * c + first + i] = channels.requantize(form, acc[i], numbers, first + i)

    distance = row_distance(op, program, buffered=False)
    return Generated(kernel, (Reads(op.x), table, channels.table, Writes(op.y)), distance)
