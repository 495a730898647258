"""How a layer's table holds its weights: as they are, or, where all are 0 or powers of two, as signs and exponents.

Then products are shifts, and need no multiplier.

Source: Zhou et al., "Incremental Network Quantization", ICLR 2017, section 1 (shifts in place of multiplications).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.program.ops import Conv2D, Dense


@dataclass(frozen=True, eq=False)
class StoredWeights:
    """What a table holds.

    Attributes:
        table: int8, of the shape of the weight; with shifts, 0 for 0 and +-(k + 1) for +-2^k.
        bits: Width of an element.
        shifts: Whether the elements are signs and exponents.
    """

    table: np.ndarray
    bits: int
    shifts: bool


def stored_weights(op: Conv2D | Dense) -> StoredWeights:
    """The table of a layer."""
    magnitude = np.abs(op.weight.astype(np.int32))
    if (magnitude & (magnitude - 1) > 0).any():
        return StoredWeights(op.weight, op.weight_bits, shifts=False)
    _, exponents = np.frexp(magnitude.astype(np.float64))
    codes = (np.sign(op.weight) * exponents).astype(np.int8)
    return StoredWeights(codes, _width(codes), shifts=True)


def _width(codes: np.ndarray) -> int:
    """Bits of two's complement, 2 at least."""
    lowest, highest = int(codes.min(initial=0)), int(codes.max(initial=0))
    return max(2, 1 + max((~lowest).bit_length() if lowest else 0, highest.bit_length()))
