"""Depthwise convolution with kernels of at most 4x4: four outputs of a channel at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Writes
from edgeq.program.planner import step_distance
from edgeq.targets.dsp.intrinsics import forget
from edgeq.targets.mve.depthwise_lanes import fits_lanes
from edgeq.targets.mve.intrinsics import (
    BYTES,
    WORDS,
    first_words,
    four,
    gather_words,
    held,
    opaque,
    scatter_bytes,
    vmladava,
)
from edgeq.targets.mve.patches import COLUMN, SIDE, Patches, PatchWeights, patch_weights
from edgeq.targets.mve.requantize import scaled
from edgeq.targets.portable.depthwise import one_output_per_channel
from edgeq.targets.portable.fixed_point import bind
from edgeq.targets.portable.tables import Channels

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

UNROLL = 3
"""Groups of four outputs up to which a row is unrolled."""


def fits_patches(op: Conv2D) -> bool:
    """True for the depthwise convolutions that this kernel does: narrow ones where large kernels' cannot."""
    if not one_output_per_channel(op) or op.requantize.right or op.dilations != (1, 1) or min(op.pads[:2]) < 0:
        return False
    narrow = Patches(op).width > op.y_shape[2] and fits_lanes(op)
    return max(op.weight.shape[1:3]) <= SIDE and not narrow


@dataclass(frozen=True, eq=False)
class Memory:
    """What the code of a channel works on: patches, weights, the channels' numbers, output."""

    patches: Buffer
    weights: Buffer
    numbers: Buffer
    y: Buffer


@dataclass(frozen=True, eq=False)
class Channel:
    """Code for a strip of outputs of one channel.

    Attributes:
        weights: Of all channels.
        channels: Biases and multipliers.
    """

    weights: PatchWeights
    channels: Channels

    @property
    def patches(self) -> Patches:
        """Geometry."""
        return self.weights.patches

    def emit(self, memory: Memory, place: Expr, channel: Expr, to: Expr) -> None:
        """All outputs of the strip.

        Args:
            place: Of the channel among those of the patches.
            to: Index of the first output in y.
        """
        patches, op = self.patches, self.patches.op
        width, ow, c = patches.width, op.y_shape[2], op.x_shape[3]
        weights = self.weights.load(memory.weights, channel)
        numbers = self._numbers(memory.numbers, channel)
        count = -(-ow // width)

        def four_outputs(i: Expr | int) -> None:
            column = bind("column", i * width if ow % width == 0 else T.min(i * width, max(ow - width, 0)))
            at = place * SIDE + column * (op.strides[1] * COLUMN)
            bias, *multipliers = (T.Broadcast(number, WORDS) for number in numbers)
            sums = four(self._sums(memory.patches, at, weights)) + bias
            value = scaled(op.requantize, sums, *multipliers)
            some = first_words(ow) if ow < width else None
            scatter_bytes(memory.y, to + column * c, self._offsets(), value, some)

        if count <= UNROLL:
            for i in range(count):
                four_outputs(i)
        else:
            with T.serial(opaque(T.int32(count))) as i:
                four_outputs(i)

    def _numbers(self, table: Buffer, channel: Expr) -> list[Expr]:
        """Bias and multipliers of a channel."""
        op, count = self.patches.op, self.channels.count
        rows = [table[channel]]
        signs = [op.requantize.multiplier] + ([] if op.requantize.negative is None else [op.requantize.negative])
        for i, multiplier in enumerate(signs, 1):
            rows.append(table[i * count + channel] if self.channels.per_channel else T.int32(int(multiplier[0])))
        return [bind("number", row) for row in rows]

    def _sums(self, memory: Buffer, at: Expr, weights: list[Expr]) -> list[Expr]:
        """Sums of four outputs, row by row."""
        patches, stride = self.patches, self.patches.op.strides[1]
        rows: list[list[Expr]] = [[] for _ in range(patches.rows)]
        for patch in range(patches.width // patches.columns):
            first = at + patch * (patches.columns * stride * COLUMN)
            words = gather_words(memory, first, held(*(T.int32(COLUMN * i) for i in range(WORDS))))
            taps = bind("patch", T.reinterpret("int8x16", words))
            for i, weight in enumerate(weights):
                rows[i // patches.columns].append(bind("sum", vmladava(T.int32(0), taps, weight)))
        return [value for row in rows for value in row]

    def _offsets(self) -> Expr:
        """Of four outputs in y."""
        patches, (_, _, ow, c) = self.patches, self.patches.op.y_shape
        return held(*(T.int32((row * ow + i) * c) for row in range(patches.rows) for i in range(patches.width)))


def depthwise(op: Conv2D, program: Program, target: Target) -> Generated:
    """Depthwise convolution, one or two rows of output and 16 channels at a time; the last rows may be made twice."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    weights, channels = patch_weights(op), Channels(op.bias, op.requantize)
    patches, code = weights.patches, Channel(weights, channels)
    rows, words, (sh, top) = patches.rows, len(weights.table.data), (op.strides[0], op.pads[0])
    packed = op.weight_bits < 8
    scratch_bytes = patches.size + weights.unpacked

    @T.prim_func(private=True)
    def kernel(
        x_ptr: T.handle("int8"),
        w_ptr: T.handle("int32"),
        table_ptr: T.handle("int32"),
        scratch_ptr: T.handle("int32"),
        y_ptr: T.handle("int8"),
    ):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), "int8", data=x_ptr)
        w = T.decl_buffer((words,), "int32", data=w_ptr)
        numbers = T.decl_buffer((channels.size,), "int32", data=table_ptr)
        scratch = T.decl_buffer((scratch_bytes // 4,), "int32", data=scratch_ptr)
        memory = T.decl_buffer((scratch_bytes,), "int8", data=scratch_ptr)
        y = T.decl_buffer((n * oh * ow * c,), "int8", data=y_ptr)
        weights.unpack(w, scratch)
        patches.clear(memory)
        for b, strip, group in T.grid(n, -(-oh // rows), -(-c // BYTES)):
            oy: T.let[T.int32] = T.min(strip * rows, oh - rows)
            first: T.let[T.int32] = group * BYTES
            patches.fill(x, b, oy * sh - top, first, memory)
            forget(scratch_ptr)
            for i in T.serial(T.min(c - first, BYTES)):
                channel: T.let[T.int32] = first + i
                code.emit(
                    Memory(memory, scratch if packed else w, numbers, y), i, channel, ((b * oh + oy) * ow) * c + channel
                )

    operands = (Reads(op.x), weights.table, channels.table, Scratch("int32", scratch_bytes), Writes(op.y))
    return Generated(kernel, operands, _distance(op, rows))


def _distance(op: Conv2D, rows: int) -> int:
    """The first channels of a strip are written while the last ones still have to be read."""
    (n, ih, iw, c), (_, oh, ow, _) = op.x_shape, op.y_shape
    first = np.minimum(np.arange(-(-oh // rows)) * rows, oh - rows)
    image = np.arange(n)[:, None]
    free = image * ih + (first * op.strides[0] - op.pads[0]).clip(0, ih)
    return step_distance((image * oh + first + rows) * ow * c, free * iw * c)
