"""Depthwise windows as vectors: four rows by four columns of one channel in 16 bytes.

Four rows of 16 channels are interleaved by VST4, so that a channel's four rows at one column are a word. VLDR gathers
the words of four columns: a patch that holds four windows of a 3x3 kernel with stride 1, each one VMLADAVA with the
weights in its place and zeros elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Table
from edgeq.targets.dsp.intrinsics import forget
from edgeq.targets.mve.intrinsics import BYTES, WORDS, first_bytes, interleave, load_bytes, opaque
from edgeq.targets.mve.near import side_by_side, unpack
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D

SIDE = 4
"""Rows and columns of a patch."""

SHORT = 5
"""Columns up to which a row is unrolled."""

COLUMN = BYTES * SIDE
"""Bytes of a column: four rows of 16 channels."""


@dataclass(frozen=True)
class Patches:
    """Geometry of the patches of a depthwise convolution.

    Attributes:
        op: The convolution, with a kernel of at most 4x4.
    """

    op: Conv2D

    @property
    def kernel(self) -> tuple[int, int]:
        """Rows and columns of a window."""
        return self.op.weight.shape[1:3]

    @property
    def rows(self) -> int:
        """Rows of output of a patch, and of four outputs that are made together: 1 or 2."""
        return 2 if self.kernel[0] + self.op.strides[0] <= SIDE and min(self.op.y_shape[1:3]) > 1 else 1

    @property
    def columns(self) -> int:
        """Columns of output of a patch."""
        return 2 if self.kernel[1] + self.op.strides[1] <= SIDE else 1

    @property
    def width(self) -> int:
        """Columns of four outputs."""
        return WORDS // self.rows

    @property
    def taken(self) -> int:
        """Input rows that windows of a patch read."""
        return (self.rows - 1) * self.op.strides[0] + self.kernel[0]

    @property
    def length(self) -> int:
        """Columns that patches read, padding included."""
        last = max(self.op.y_shape[2], self.width) - self.columns
        return last * self.op.strides[1] + SIDE

    @property
    def size(self) -> int:
        """Bytes of all columns."""
        return self.length * COLUMN

    def clear(self, memory: Buffer) -> None:
        """Fills all with padding; what lies beside the image is not written again."""
        outside = T.Broadcast(T.int8(self.op.x_zero_point), BYTES)
        with T.serial(self.size // BYTES) as i:
            T.buffer_store(memory, outside, [T.Ramp(i * BYTES, 1, BYTES)])

    def fill(self, x: Buffer, image: Expr, row: Expr, first: Expr, memory: Buffer) -> None:
        """Interleaves four image rows.

        Args:
            image: Number of the image.
            row: The first of the rows, which may lie outside the image.
            first: Channel.
        """
        (_, ih, iw, c), zero = self.op.x_shape, self.op.x_zero_point
        count = bind("count", T.min(c - first, BYTES))
        source = bind("source", (image * ih + row) * iw * c + first)
        some = first_bytes(count) if c % BYTES else None
        with T.If(T.And(row >= 0, row + self.taken <= ih)):
            with T.Then():
                self._fill(memory, source, lambda at, i: load_bytes(x, at, some))
            with T.Else():
                self._fill(
                    memory, source, lambda at, i: load_bytes(x, at, first_bytes(self._inside(row + i, count)), zero)
                )

    def _inside(self, row: Expr, count: Expr) -> Expr:
        """Channels that are read from an image row: none where it lies outside."""
        return T.Select(T.And(row >= 0, row < self.op.x_shape[1]), count, 0)

    def _fill(self, memory: Buffer, source: Expr, load: Callable[[Expr, int], Expr]) -> None:
        """The same with `load` to read 16 channels at an index of x, in one of the rows."""
        (_, _, iw, c), left = self.op.x_shape, self.op.pads[1]
        columns = min(iw, self.length - left)
        with T.serial(columns if columns <= SHORT else opaque(T.int32(columns))) as column:
            rows = [bind("row", load(source + (i * iw + column) * c, i)) for i in range(self.taken)]
            interleave(memory, (left + column) * COLUMN, rows + rows[:1] * (SIDE - len(rows)))


@dataclass(frozen=True)
class PatchWeights:
    """Weights of a channel in the place of each window of a patch.

    Attributes:
        patches: Geometry.
        table: int32, for each channel (or the channels that share bytes) 16 bytes, [column][row], zeros where there is
            no tap. A window that lies further right begins so many words earlier: what is read too early are zeros.
    """

    patches: Patches
    table: Table

    def load(self, table: Buffer, channel: Expr) -> list[Expr]:
        """int8x16 weights for each window of a patch, row by row."""
        op = self.patches.op
        base = bind("w_at", self.base + channel * WORDS + op.strides[1])
        words = []
        for column in range(self.patches.columns):
            forget(table.data)  # or LLVM makes vectors that overlap from words
            words.append(bind("w", table[T.Ramp(base - column * op.strides[1], 1, WORDS)]))
        moved = [
            [
                T.shift_left(word, T.Broadcast(T.int32(8 * row * op.strides[0]), WORDS)) if row else word
                for word in words
            ]
            for row in range(self.patches.rows)
        ]
        return [bind("weights", T.reinterpret("int8x16", word)) for row in moved for word in row]

    @property
    def base(self) -> int:
        """Index in the scratch memory, in words, at which unpacked weights begin; 0 where they need not be unpacked."""
        return 0 if self.patches.op.weight_bits == 8 else self.patches.size // 4

    @property
    def unpacked(self) -> int:
        """Bytes of scratch memory for unpacked weights."""
        per_byte = 8 // self.patches.op.weight_bits
        return (
            0
            if per_byte == 1
            else 4 * self.patches.op.strides[1] + BYTES * per_byte * -(-self.patches.op.x_shape[3] // per_byte)
        )

    def unpack(self, table: Buffer, scratch: Buffer) -> None:
        """Moves weights of less than eight bits into scratch memory, one to a byte."""
        bits, lead = self.patches.op.weight_bits, self.patches.op.strides[1]
        if bits == 8:
            return
        for i in range(lead):
            T.buffer_store(scratch, T.int32(0), [self.base + i])
        unpack(table, lead, scratch, self.base + lead, bits, (len(self.table.data) - lead) // WORDS)


def patch_weights(op: Conv2D) -> PatchWeights:
    """Packs the weights of a depthwise convolution."""
    c, kh, kw, _ = op.weight.shape
    patch = np.zeros((c, SIDE, SIDE), np.int8)
    patch[:, :kw, :kh] = op.weight[..., 0].transpose(0, 2, 1)
    flat = patch.reshape(-1)
    words = flat.view("<i4").astype(np.int32) if op.weight_bits == 8 else side_by_side(flat, op.weight_bits)
    return PatchWeights(Patches(op), Table(np.pad(words, (op.strides[1], 0)), "weights"))
