"""What the code of matrix products works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tvm.tirx import Buffer


@dataclass(frozen=True, eq=False)
class Memory:
    """What the code of a block works on.

    Attributes:
        rows: Working memory, int32 words: the paired words of a group if they are brought near, and widened input.
        weights: Paired words in the order (group of pairs, kernel row, two words, pair, word of the two), word by word
            for square blocks; several of them in one where they are packed.
        acc: Accumulators: of each pixel and pair the sum of both channels, then that of the even one.
        numbers: The channels' biases and multipliers.
        y: Output, channels innermost.
    """

    rows: Buffer
    weights: Buffer
    acc: Buffer
    numbers: Buffer
    y: Buffer
