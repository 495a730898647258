"""The parameters and the table of a requantizer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.program.ops import Requantize
from edgeq.rtl.rom import Rom, rom

ACC_BITS, WIDE_ACC_BITS = 32, 64

Parameters = dict[str, int | str | tuple[int, ...]]
"""Of an instance in SystemVerilog; several numbers are 32 bits each, the first the lowest."""


def acc_bits(requantize: Requantize) -> int:
    """Width of its accumulators."""
    return WIDE_ACC_BITS if requantize.right else ACC_BITS


def requantizer(requantize: Requantize, table: Rom) -> Parameters:
    """Of edgeq_requantize, but for the widths of its ports."""
    return {
        "LEFT": requantize.left,
        "RIGHT": requantize.right,
        "ZERO_POINT": requantize.zero_point,
        "LOW": requantize.lo,
        "HIGH": requantize.hi,
        "ENTRIES": table.depth,
        "SIGNED": int(requantize.negative is not None),
        "MULTIPLIERS": table.path,
    }


def multipliers(name: str, requantize: Requantize, order: Sequence[int] = (0,)) -> Rom:
    """The multipliers in the order of the outputs; a single one is kept once."""
    parts = [requantize.multiplier] + ([] if requantize.negative is None else [requantize.negative])
    chosen = order if len(requantize.multiplier) > 1 else order[:1]
    return rom(f"{name}_multipliers", np.stack(parts, axis=-1)[list(chosen)].reshape(-1), 32, len(parts))
