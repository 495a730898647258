"""Convolution over NHWC as matrix products on padded rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Scratch, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.mve.block import blocks, pixels_of_block
from edgeq.targets.mve.layer import Layer, Pointers, collected
from edgeq.targets.mve.near import Source, bits_used, source
from edgeq.targets.mve.requantize import output
from edgeq.targets.mve.rows import Patches, Rows, window_order
from edgeq.targets.mve.weights import fit_bytes
from edgeq.targets.mve.windows import Windows

if TYPE_CHECKING:
    from tvm.tirx import Expr

    from edgeq.program.ops import Conv2D
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def fits(op: Conv2D) -> bool:
    """True for the convolutions that this kernel does."""
    return op.groups == 1 and op.dilations == (1, 1) and min(op.pads[:2]) >= 0 and fit_bytes(op)


@dataclass(frozen=True, eq=False)
class Plan:
    """How a convolution is done.

    Attributes:
        rows: Padded rows of the input.
        patches: Windows put together, where that makes fewer vectors of them.
        layer: The matrix product.
        source: Its weights.
    """

    rows: Rows
    patches: Patches
    layer: Layer
    source: Source

    @property
    def scratch(self) -> int:
        """Bytes: collected sums, rows, patches, unpacked weights."""
        return self.patches.end(self.layer.pixels) + self.source.scratch

    def emit(self, memory: Pointers, pixels: int, column: Expr | int, at: Expr) -> None:
        """Code for `pixels` neighbouring outputs of a row from `column` on, which have number `at` in y."""
        first = self.rows.base + column * self.rows.step
        if self.patches.save:
            self.patches.gather(memory.x, first, pixels)
            first = self.patches.base
        self.layer.emit(memory, pixels, first, at)


def plan(op: Conv2D) -> Plan:
    """Chooses blocks, and patches or rows."""
    weight = window_order(op.weight, patches=Patches(Rows(op, 0)).save)
    bits = bits_used(weight, op.weight_bits, int(np.prod(op.y_shape)))
    pixels = pixels_of_block(op.y_shape[2], bits)
    rows = Rows(op, 4 * collected(pixels, len(weight), bits))
    patches = Patches(rows)
    weights = source(weight, op.weight_bits, bits, pixels, patches.end(pixels) // 4)
    if patches.save:
        windows = Windows(1, patches.length, 0, patches.pitch, readable=True)
    else:
        windows = Windows(rows.kernel, rows.segment, rows.pitch, rows.step, readable=True)
    layer = Layer(windows, weights.weights, output(op.bias, op.requantize, bits), pixels)
    return Plan(rows, patches, layer, weights)


def conv2d(op: Conv2D, program: Program, target: Target) -> Generated:
    """Convolution; each row of the input is copied once, each window is a few contiguous pieces of the rows."""
    (n, ih, iw, c), (_, oh, ow, o) = op.x_shape, op.y_shape
    how = plan(op)
    rows, layer, sh, top = how.rows, how.layer, op.strides[0], op.pads[0]
    weights, form, pixels, kh = how.source, layer.output, layer.pixels, rows.kernel
    (count, rest), kept, read = blocks(ow, pixels), max(kh - sh, 0), weights.read

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
        w = T.decl_buffer((weights.words,), "int32", data=w_ptr)
        numbers = T.decl_buffer((form.words,), "int32", data=table_ptr)
        sums = T.decl_buffer((how.scratch // 4,), "int32", data=scratch_ptr)
        ring = T.decl_buffer((how.scratch,), "int8", data=scratch_ptr)
        y = T.decl_buffer((n * oh * ow * o,), "int8", data=y_ptr)
        acc = T.alloc_buffer((layer.accumulators,), "int32", scope="local")
        weights.unpack(w, sums)
        for b in T.serial(n):
            rows.clear(ring)
            for oy in T.serial(oh):
                rows.shift(ring)
                for slot in T.serial(T.Select(oy == 0, 0, kept), kh):
                    iy: T.let[T.int32] = oy * sh + slot - top
                    if iy >= 0 and iy < ih:
                        rows.read(x, (b * ih + iy) * iw * c, ring, slot)
                    else:
                        rows.outside(ring, slot)
                row: T.let[T.int32] = (b * oh + oy) * ow
                for block in T.serial(count):
                    column: T.let[T.int32] = (
                        block * pixels if count * pixels <= ow else T.min(block * pixels, ow - pixels)
                    )
                    how.emit(Pointers(ring, read(w, sums), acc, sums, numbers, y), pixels, column, row + column)
                if rest > 0:
                    how.emit(Pointers(ring, read(w, sums), acc, sums, numbers, y), rest, ow - rest, row + ow - rest)

    operands = (Reads(op.x), weights.table, form.table, Scratch("int32", how.scratch), Writes(op.y))
    return Generated(kernel, operands, row_distance(op, program, buffered=True))
