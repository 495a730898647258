"""Depthwise convolution with windows of any shape: four channels side by side, tap by tap.

A word of four channels and one of their weights become two words of halves each, which SMLABB and SMLATT multiply; four
channels of int16 are two words already.
Weights of 4 or 2 bits share bytes with those of the next taps. Moved to the top of their bytes, other bits cleared,
they are bytes 2^4 (or 2^6) times too large, and so are sums, until the bias is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Table, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.dsp.intrinsics import load_word, odd_bytes, sxtb16
from edgeq.targets.dsp.planes import lanes
from edgeq.targets.dsp.product import numbers_of
from edgeq.targets.dsp.requantize import output_stage
from edgeq.targets.dsp.wide import sums_in_word
from edgeq.targets.portable.depthwise import one_output_per_channel
from edgeq.targets.portable.fixed_point import bind, int32
from edgeq.targets.portable.tables import pack
from edgeq.targets.portable.window import Window

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

CHANNELS = lanes("int8")
"""Side by side: those of a word."""


def is_in_fours(op: Conv2D) -> bool:
    """True for the depthwise convolutions that this kernel does, whose sums stay within 32 bits."""
    return _is_in_fours(op) and not op.requantize.right and op.weight[0].size << 14 < 1 << 31


def is_in_fours_of_halves(op: Conv2D) -> bool:
    """The same over int16."""
    if not (_is_in_fours(op) and sums_in_word(op)):
        return False
    sums = np.abs(op.weight.reshape(len(op.weight), -1).astype(np.int64)).sum(axis=1)
    return bool(sums.max() << (15 + scale(op.weight_bits)) < 1 << 31)


def _is_in_fours(op: Conv2D) -> bool:
    return one_output_per_channel(op) and op.x_shape[3] % CHANNELS == 0


@dataclass(frozen=True, eq=False)
class Taps:
    """Code for taps of a window over four channels, whose sums are in `acc`.

    Attributes:
        bits: Of a weight.
        channels: Of the image.
    """

    x: Buffer
    w: Buffer
    acc: Buffer
    bits: int
    channels: int

    def accumulate(self, source: Expr, tap: Expr, first: Expr) -> None:
        """Adds the products of the elements at x[source] and the weights of a tap, from channel `first` on."""
        per_word = 32 // self.x.dtype.bits
        self._products([bind("word", load_word(self.x, source + i)) for i in range(0, CHANNELS, per_word)], tap, first)

    def outside(self, zero_point: int, tap: Expr, first: Expr) -> None:
        """The same for a tap outside the image."""
        size = self.x.dtype.bits // 8
        same = zero_point.to_bytes(size, "little", signed=True) * (CHANNELS // size)
        word = T.int32(int.from_bytes(same[:4], "little", signed=True))
        self._products([word] * size, tap, first)

    def _products(self, words: list[Expr], tap: Expr, first: Expr) -> None:
        weights = self._weights(tap, first)
        even, odd = bind("even", sxtb16(weights)), bind("odd", odd_bytes(weights))
        if len(words) == 1:
            evens, odds = bind("evens", sxtb16(words[0])), bind("odds", odd_bytes(words[0]))
            channels = (_low(evens), _low(odds), _high(evens), _high(odds))
        else:
            channels = (_low(words[0]), _high(words[0]), _low(words[1]), _high(words[1]))
        for i, (x, w) in enumerate(zip(channels, (_low(even), _low(odd), _high(even), _high(odd)), strict=True)):
            T.buffer_store(self.acc, self.acc[i] + x * w, [i])

    def _weights(self, tap: Expr, first: Expr) -> Expr:
        """A word of four weights."""
        if self.bits == 8:
            return bind("weights", load_word(self.w, tap * self.channels + first))
        shared = SHARED[self.bits]
        word = bind("packed", load_word(self.w, T.shift_right(tap, shared) * self.channels + first))
        up = scale(self.bits) - T.bitwise_and(tap, (1 << shared) - 1) * self.bits
        top = (0xFF << scale(self.bits) & 0xFF) * 0x01010101
        return bind("weights", T.bitwise_and(T.shift_left(word, up), T.int32(top - (1 << 32))))


def scale(bits: int) -> int:
    """Bits by which sums are too far left."""
    return 8 - bits


SHARED = {8: 0, 4: 1, 2: 2}
"""Logarithm of the number of taps that share a byte."""


def tap_bytes(op: Conv2D) -> np.ndarray:
    """Weights in the order (kh * kw, c); those of fewer than 8 bits share bytes with the neighbouring taps."""
    taps = op.weight.transpose(1, 2, 3, 0).reshape(-1, op.x_shape[3])
    if op.weight_bits == 8:
        return taps.reshape(-1)
    per_byte = 8 // op.weight_bits
    filled = np.pad(taps, ((0, -len(taps) % per_byte), (0, 0))).reshape(-1, per_byte, op.x_shape[3])
    return pack(filled.transpose(0, 2, 1).reshape(-1), op.weight_bits).view(np.int8)


def _low(word: Expr) -> Expr:
    return int32(T.Cast("int16", word))


def _high(word: Expr) -> Expr:
    return T.shift_right(word, 16)


def depthwise_taps(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution with weights in the order of `tap_bytes`: contiguous along channels, as the image is."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    _, kh, kw, _ = op.weight.shape
    window, zero_point = Window(op, (kh, kw)), op.x_zero_point
    x_dtype, y_dtype = program.buffer[op.x].dtype, program.buffer[op.y].dtype
    bias, requantizer = numbers_of(op, x_dtype)
    form, channels = output_stage(bias, op.requantize, target, y_dtype, kind=requantizer)
    table, right = Table(tap_bytes(op), "weights"), scale(op.weight_bits)

    def taps(x: Buffer, w: Buffer, acc: Buffer) -> Taps:
        return Taps(x, w, acc, op.weight_bits, c)

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle(x_dtype), w_ptr: T.handle("int8"), table_ptr: T.handle("int32"), y_ptr: T.handle(y_dtype)
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), x_dtype, data=x_ptr)
        w = T.decl_buffer((len(table.data),), "int8", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        y = T.decl_buffer((n * oh * ow * c,), y_dtype, data=y_ptr)
        acc = T.alloc_buffer((CHANNELS,), "int32", scope="local")
        for b, oy, ox, group in T.grid(n, oh, ow, c // CHANNELS):
            first: T.let[T.int32] = group * CHANNELS
            for i in range(CHANNELS):
                acc[i] = 0 if right > 0 else numbers[first + i]
            for ky, kx in T.grid(kh, kw):
                iy: T.let[T.int32] = window.row(oy, ky)
                ix: T.let[T.int32] = window.column(ox, kx)
                if window.inside(iy, ix):
                    taps(x, w, acc).accumulate(((b * ih + iy) * iw + ix) * c + first, ky * kw + kx, first)
                elif zero_point != 0:
                    taps(x, w, acc).outside(zero_point, ky * kw + kx, first)
            for i in range(CHANNELS):
                total: T.let[T.int32] = T.shift_right(acc[i], right) + numbers[first + i] if right > 0 else acc[i]
                y[((b * oh + oy) * ow + ox) * c + first + i] = channels.requantize(form, total, numbers, first + i)

    distance = row_distance(op, program, buffered=False)
    return Generated(kernel, (Reads(op.x), table, channels.table, Writes(op.y)), distance)
