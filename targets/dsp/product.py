"""The inner loops and the weights of a matrix multiplication, by the width of its weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgeq.lower.generated import Table
from edgeq.targets.dsp.block import Product
from edgeq.targets.dsp.fields import FieldProduct, field_biases, fields_fit, packed_fields
from edgeq.targets.dsp.near import packed_groups
from edgeq.targets.dsp.pairs import byte_words, can_join, can_pair, joined, packed_weights, pair_words
from edgeq.targets.dsp.requantize import SmmulRequantizer
from edgeq.targets.dsp.schedule import SINGLE, SQUARE, Block, Shape, block_for, block_sizes, schedule_for, single_block
from edgeq.targets.dsp.wide import (
    ShiftingRequantizer,
    WideProduct,
    WideRows,
    rounded_bias,
    sums_in_word,
)

if TYPE_CHECKING:
    from edgeq.program.ops import Conv2D, Dense
    from edgeq.targets.dsp.rows import Rows
    from edgeq.targets.portable.tables import Channels
    from edgeq.targets.target import Target


SHORT_STEP = 4
"""Input channels up to which weights are stored as bytes: there are too few of them to be worth unpacking."""


def as_bytes(op: Conv2D | Dense) -> bool:
    """True if weights are stored as bytes."""
    return op.weight_bits == 8 or op.weight.shape[-1] <= SHORT_STEP


def has_product(op: Conv2D | Dense) -> bool:
    """True if sums stay within 32 bits, and those of paired channels can be told apart."""
    return can_pair(op.weight) and not op.requantize.right


def channel_multiple(op: Conv2D | Dense, rows: Rows, pairs: int) -> int:
    """Of which the number of channels in the tables is to be a multiple."""
    return 16 // op.weight_bits if in_fields(op, rows) else 2 * pairs


def in_fields(op: Conv2D | Dense, rows: Rows) -> bool:
    """True if the weights are used as they lie packed: only once for each row, so that unpacking them does not pay."""
    return not as_bytes(op) and rows.out[1] == 1 and fields_fit(op.weight, op.bias, op.weight_bits)


def block_of(op: Conv2D | Dense, rows: Rows, target: Target) -> Block:
    """Outputs that are computed together.

    Args:
        rows: Widened rows of any number of pixels but one, or of one.
    """
    o, wide = len(op.weight), isinstance(rows, WideRows)
    if rows.out[1] > 1:
        words, packed = rows.kernel[0] * rows.window_words, not as_bytes(op)
        block = block_for(words, o, rows.out[1], target, packed=packed)
        return Block(block.pixels, 1) if wide else block
    if wide:
        return Block(1, 2 if rows.window_words % 2 == 0 and o % 4 in (0, 3) else 1)
    return single_block(rows.grouped, o, target)


def has_joined_biases(op: Conv2D | Dense, rows: Rows) -> bool:
    """True if the table of channels of paired weights holds biases as `pairs.joined` makes them."""
    return not isinstance(rows, WideRows) and can_join(op.weight, op.bias)


def biases_of(op: Conv2D | Dense, rows: Rows) -> np.ndarray:
    """Biases as the table of channels holds them, filled up to an even number."""
    if isinstance(rows, WideRows):
        return numbers_of(op, "int16")[0]
    if in_fields(op, rows):
        return field_biases(op.bias, op.weight_bits)
    return joined(np.pad(op.bias, (0, len(op.bias) % 2))) if has_joined_biases(op, rows) else op.bias


def requantizer_of(op: Conv2D | Dense, rows: Rows) -> type[SmmulRequantizer]:
    """The requantization that goes with these biases."""
    return numbers_of(op, "int16")[1] if isinstance(rows, WideRows) else SmmulRequantizer


def numbers_of(op: Conv2D | Dense, dtype: str) -> tuple[np.ndarray, type[SmmulRequantizer]]:
    """Biases, each of its channel alone, and the requantization that goes with them.

    Args:
        dtype: Of the input.
    """
    if dtype == "int16" and sums_in_word(op):
        return rounded_bias(op), ShiftingRequantizer
    return op.bias, SmmulRequantizer


def product_of(
    op: Conv2D | Dense,
    rows: Rows,
    form: SmmulRequantizer,
    channels: Channels,
    target: Target,
    block: Block,
    *,
    near: bool = True,
    packed: bool = False,
) -> tuple[Product | FieldProduct, Table]:
    """What multiplies widened rows by the weights of an operator, and these packed for it.

    Args:
        block: Outputs that are computed together.
        near: Whether int8 weights may be copied to working memory.
        packed: Whether results lie two to a byte.
    """
    o, bits = len(op.weight), 8 if as_bytes(op) else op.weight_bits
    ordered = rows.order(op.weight.reshape(o, *rows.kernel, -1)).reshape(o, -1)
    lengths = (rows.kernel[0], rows.window_words, rows.row_words)
    if in_fields(op, rows):
        fields = FieldProduct(o, bits, *lengths, form, channels, target, packed)
        return fields, Table(packed_fields(ordered, bits), "weights")
    most, pairs = block
    pixels, blocks = block_sizes(rows.out[1], most)[0]
    schedule = schedule_for(Shape(rows.kernel[0], rows.window_words, pairs, pixels, blocks * rows.lines), target)
    wide = isinstance(rows, WideRows)
    words = packed_weights(ordered, pairs, 1 if block in (SQUARE, SINGLE) else 2, byte_words if wide else pair_words)
    schedule = replace(schedule, near=bits < 8 or (near and schedule.near))
    table = Table(words if bits == 8 else packed_groups(words.reshape(-(-o // (2 * pairs)), -1), bits), "weights")
    is_joined = has_joined_biases(op, rows)
    lines = (rows.lines, rows.strides[0] * rows.row_words)
    blocks_of = (o, most, pairs, bits, *lengths, rows.pixel_words, lines)
    numbers = (form, channels, is_joined, schedule, packed)
    if wide:
        return WideProduct(*blocks_of, *numbers, long=not sums_in_word(op)), table
    return Product(*blocks_of, *numbers), table
