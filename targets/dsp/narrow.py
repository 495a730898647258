"""1x1 convolutions over few channels: a channel's weights stay in registers while the pixels of a tile pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.assembly import opaque
from edgeq.lower.generated import Generated, Reads, Scratch, Table, Writes
from edgeq.targets.dsp.intrinsics import (
    forget,
    load_word,
    odd_bytes,
    pack_halves,
    pin,
    signed_field,
    smlad,
    subtract_halves,
    sxtb16,
)
from edgeq.targets.dsp.pointwise import Matrix, is_one_product, tile_distance, tile_pixels
from edgeq.targets.dsp.requantize import output_stage
from edgeq.targets.dsp.rows import Ring, Rows
from edgeq.targets.portable.fixed_point import bind, int32
from edgeq.targets.portable.tables import pack

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.dsp.requantize import SmmulRequantizer
    from edgeq.targets.portable.tables import Channels
    from edgeq.targets.target import Target

CHANNELS = (4, 8, 12)
"""Whose unpacked weights leave enough registers: bias, multiplier and two pointers stay in some, too."""

PIXELS = 16
"""From which on the loop over pixels pays for unpacking."""

RAISED = 8
"""By how much int4 weights are moved up where they are fields of words."""

UNROLL = 8
"""Pixels of one unrolled step at most."""


def is_narrow(op: Conv2D) -> bool:
    """True for the convolutions that this kernel does."""
    few = op.x_shape[3] in CHANNELS and int(np.prod(op.x_shape[:3])) >= PIXELS
    return few and is_one_product(op) and not op.requantize.right


@dataclass(frozen=True, eq=False)
class Column:
    """Code for a tile of pixels of one output channel.

    Attributes:
        pixels: Of the tile.
        outputs: Output channels.
        words: Of a widened pixel.
        bits: Of a weight.
        form, channels: Requantization.
    """

    pixels: int
    outputs: int
    words: int
    bits: int
    form: SmmulRequantizer
    channels: Channels

    def emit(self, wide: Buffer, w: Buffer, numbers: Buffer, y: Buffer, first: Expr, channel: Expr) -> None:
        """Makes the outputs of `channel`.

        Args:
            wide: Widened pixels of the tile, int32 words.
            w: Channel by channel, four int8 weights in a word; narrower ones in bytes, as `packed_weights` has them.
            numbers: The channels' biases and multipliers.
            first: Number of the tile's first pixel.
        """
        taps = self._unpacked(w, channel)
        bias = bind("bias", numbers[channel])
        multipliers = [bind("multiplier", m) for m in self.channels.multipliers(numbers, channel)]
        unroll = max(u for u in range(1, UNROLL + 1) if self.pixels % u == 0)
        with T.serial(self.pixels // unroll) as i:
            at = bind("at", opaque(i * (unroll * self.words)))
            to = bind("to", (first + i * unroll) * self.outputs + channel)
            for j in range(unroll):
                acc = self._sum(wide, at + j * self.words, taps, bias)
                T.buffer_store(y, self.channels.apply(self.form, acc, multipliers), [to + j * self.outputs])

    def _unpacked(self, w: Buffer, channel: Expr) -> list[Expr]:
        """The weights of a channel, two in each word."""
        if self.bits == 8:
            packed = [bind("w", w[channel * (self.words // 2) + i]) for i in range(self.words // 2)]
            return [bind("taps", half(word)) for word in packed for half in (sxtb16, odd_bytes)]
        per_byte = 4 // self.bits
        taps = self._whole_words(w, channel * (self.words // per_byte))
        for i in range(len(taps), self.words):
            byte = bind("byte", int32(w[channel * (self.words // per_byte) + i // per_byte]))
            place = i % per_byte * 2 * self.bits
            pair = (signed_field(byte, place + j * self.bits, self.bits) for j in range(2))
            taps.append(bind("taps", pack_halves(*pair)))
        return taps

    def _whole_words(self, w: Buffer, first: Expr) -> list[Expr]:
        """The int4 weights that fill words: one field of both halves is a tap's, raised by half the range."""
        taps: list[Expr] = []
        if whole_words(self.words, self.bits) == 0:
            return taps
        # Opaque: of a mask that it knows LLVM makes an immediate operand, which leaves no room for the shift.
        mask, raised = (bind("halves", opaque(T.int32(half * 0x00010001))) for half in (0xF, RAISED))
        for i in range(whole_words(self.words, self.bits)):
            four = bind("four", load_word(w, first + 4 * i))
            fields = (T.shift_right(four, 4 * j) if j else four for j in range(4))
            taps += [bind("taps", subtract_halves(T.bitwise_and(field, mask), raised)) for field in fields]
        return taps

    @staticmethod
    def _sum(wide: Buffer, at: Expr, taps: list[Expr], acc: Expr) -> Expr:
        for first in range(0, len(taps), 2):
            x = [bind("x", wide[at + first + i]) for i in range(2)]
            for tap, two in zip(taps[first:], x, strict=False):
                acc = bind("acc", smlad(tap, two, acc))
            pin(acc)
            forget(wide.data)
        return acc


def whole_words(words: int, bits: int) -> int:
    """How many words, of four pairs of weights each, the weights of a channel fill."""
    return words // 4 if bits == 4 else 0


def packed_weights(rows: Rows, weight: np.ndarray, bits: int) -> np.ndarray:
    """Weights (o, k) as `Column` takes them; SXTB16 puts int8 ones into the order of the widened elements itself."""
    if bits == 8:
        return np.ascontiguousarray(weight).view("<i4").astype(np.int32).reshape(-1)
    o, k = weight.shape
    ordered = rows.order(weight[:, None, None]).reshape(o, k)
    split = 8 * whole_words(k // 2, bits)
    fields = (ordered[:, :split].astype(np.int64) + RAISED).reshape(o, split // 8, 4, 2).transpose(0, 1, 3, 2)
    halves = (fields << (4 * np.arange(4))).sum(axis=-1).astype("<u2").reshape(o, split // 4)
    rest = pack(ordered[:, split:].reshape(-1), bits).reshape(o, -1)
    return np.concatenate([halves.view(np.uint8).reshape(o, -1), rest], axis=1).reshape(-1)


def narrow(op: Conv2D, program: Program, target: Target) -> Generated:
    """1x1 convolution, tile by tile and channel by channel."""
    matrix = Matrix(int(np.prod(op.x_shape[:3])), op.weight.reshape(len(op.weight), -1))
    pixels, (o, k) = matrix.pixels, matrix.weight.shape
    tile = tile_pixels(pixels, k, 2)
    rows = Rows((1, 1, tile, k), (1, tile), (1, 1), (1, 1), 0, 0)
    y_dtype = program.buffer[op.y].dtype
    form, channels = output_stage(op.bias, op.requantize, target, y_dtype)
    table = Table(packed_weights(rows, matrix.weight, op.weight_bits), "weights")
    w_dtype, column = str(table.data.dtype), Column(tile, o, k // 2, op.weight_bits, form, channels)

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"),
        w_ptr: T.handle(w_dtype),
        table_ptr: T.handle("int32"),
        wide_ptr: T.handle("int32"),
        y_ptr: T.handle(y_dtype),
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((pixels * k,), "int8", data=x_ptr)
        w = T.decl_buffer((len(table.data),), w_dtype, data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        wide = T.decl_buffer((rows.words,), "int32", data=wide_ptr)
        halves = T.decl_buffer((2 * rows.words,), "int16", data=wide_ptr)
        y = T.decl_buffer((pixels * o,), y_dtype, data=y_ptr)
        for i in T.serial(-(-pixels // tile)):
            first: T.let[T.int32] = T.min(i * tile, pixels - tile)
            rows.widen(x, first * k, Ring(wide, halves), 0)
            forget(wide_ptr)
            for channel in T.serial(o):
                column.emit(wide, w, numbers, y, first, channel)

    scratch, distance = (
        Scratch("int32", 4 * rows.words),
        tile_distance(pixels, tile, program.buffer[op.x], program.buffer[op.y]),
    )
    return Generated(kernel, (Reads(op.x), table, channels.table, scratch, Writes(op.y)), distance)
