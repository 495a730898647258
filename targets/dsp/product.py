"""The inner loops and the weights of a matrix multiplication, by the width of its weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edgeq.lower.generated import Table
from edgeq.targets.dsp.block import Product, packed_weights
from edgeq.targets.dsp.fields import FieldProduct, field_pixels, fields_fit, longest_step, packed_fields
from edgeq.targets.dsp.pairs import can_pair
from edgeq.targets.dsp.schedule import Shape, block_pixels, block_sizes, schedule_for

if TYPE_CHECKING:
    from edgeq.program.ops import Conv2D, Dense
    from edgeq.targets.dsp.requantize import SmmulRequantizer
    from edgeq.targets.dsp.rows import Rows
    from edgeq.targets.portable.tables import Channels
    from edgeq.targets.target import Target


SHORT_STEP = 4
"""Channels up to which windows are so near each other that weights are stored as bytes: there are few, and loads of
neighbouring windows would take all registers of `FieldProduct`."""


def as_bytes(op: Conv2D | Dense) -> bool:
    """True if weights are stored as bytes."""
    return op.weight_bits == 8 or (op.weight.shape[-1] <= SHORT_STEP and can_pair(op.weight))


def has_product(op: Conv2D | Dense) -> bool:
    """True if sums stay within 32 bits, and those of paired channels can be told apart."""
    fits = can_pair(op.weight) if as_bytes(op) else fields_fit(op.weight, op.weight_bits)
    return fits and not op.requantize.right


def channel_multiple(op: Conv2D | Dense, pairs: int) -> int:
    """Of which the number of channels in the tables is to be a multiple."""
    return 2 * pairs if as_bytes(op) else 1


def product_of(
    op: Conv2D | Dense,
    rows: Rows,
    form: SmmulRequantizer,
    channels: Channels,
    target: Target,
    pairs: int = 1,
    *,
    near: bool = True,
) -> tuple[Product | FieldProduct, Table]:
    """What multiplies widened rows by the weights of an operator, and these packed for it.

    Args:
        pairs: Of channels in a block of int8 weights.
        near: Whether weights may be copied to working memory.
    """
    o = len(op.weight)
    ordered = rows.order(op.weight.reshape(o, *rows.kernel, -1))
    lengths = (rows.kernel[0], rows.window_words, rows.row_words, rows.pixel_words)
    if as_bytes(op):
        table = Table(packed_weights(ordered.reshape(o, -1), pairs), "weights")
        most = block_pixels(target)
        pixels, blocks = block_sizes(rows.out[1], most)[0]
        schedule = schedule_for(Shape(rows.kernel[0], rows.window_words, pairs, pixels, blocks), target)
        schedule = replace(schedule, near=near and schedule.near)
        return Product(o, most, pairs, *lengths, form, channels, schedule), table
    pixels = field_pixels(rows.out[1])
    product = FieldProduct(o, op.weight_bits, pixels, *lengths, form, channels, longest_step(pixels, target))
    return product, Table(packed_fields(ordered, op.weight_bits), "weights")
