"""Weights of a group of channels brought to working memory, for all blocks of a row: copied, or unpacked.

int4 and int2 weights are stored without their sign, moved up by half their range, several paired words in one: one AND
takes the fields of a word out of each byte, SSUB16 moves them back. A weight is unpacked once for all pixels of a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.lower.assembly import ahead, opaque, place, store_at, store_four, word_at
from edgeq.targets.dsp.intrinsics import forget, subtract_halves
from edgeq.targets.portable.fixed_point import bind, local

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

UNROLL = 16
"""Words of working memory that one step of the loop fills at most."""

FOUR = 4
"""Words that one STM stores."""


def packed_groups(groups: np.ndarray, bits: int) -> np.ndarray:
    """Paired words of int4 or int2 weights, several in one.

    Args:
        groups: int32 (groups, words).

    Returns:
        int32, one-dimensional: each group filled up to whole words.
    """
    per_word = 8 // bits
    filled = np.pad(groups, ((0, 0), (0, -groups.shape[1] % per_word)))
    raised = (filled.view(np.int16) + (1 << (bits - 1)) * 0x0101).view(np.uint32).reshape(len(groups), -1, per_word)
    fields = raised << (bits * np.arange(per_word, dtype=np.uint32))
    return np.bitwise_or.reduce(fields, axis=2).view(np.int32).reshape(-1)


@dataclass(frozen=True)
class Near:
    """Code that brings the weights of a group.

    Attributes:
        words: Paired words of a group.
        bits: Of a weight.
    """

    words: int
    bits: int

    @property
    def per_word(self) -> int:
        """Words of working memory that a stored word becomes."""
        return 8 // self.bits

    @property
    def stored(self) -> int:
        """Words that a group takes in flash."""
        return -(-self.words // self.per_word)

    @property
    def needed(self) -> int:
        """Words of working memory."""
        return self.stored * self.per_word

    def emit(self, weights: Buffer, group: Expr, near: Buffer) -> None:
        """Fills the beginning of the working memory with the weights of a group."""
        size = max(u for u in (1, 2, 4, 8) if self.stored % u == 0 and u * self.per_word <= max(UNROLL, self.per_word))
        unpacked, places = self._unpacker(), local("places", 2)
        T.buffer_store(places, place(weights.data, group * self.stored), [0])
        T.buffer_store(places, place(near.data, T.int32(0)), [1])
        with T.serial(opaque(T.int32(self.stored // size))):
            source, to = bind("from", places[0]), places[1]
            for first in range(0, size, self.together):
                few = range(first, min(first + self.together, size))
                words = [bind("weight", word_at(weights.data, source, j)) for j in few]
                to = self._store(near, bind("to", to), [pairs for word in words for pairs in unpacked(word)])
            T.buffer_store(places, ahead(source, size), [0])
            T.buffer_store(places, to, [1])
            forget(near.data)

    @property
    def together(self) -> int:
        """Stored words that are loaded at once."""
        return FOUR // min(self.per_word, FOUR)

    @staticmethod
    def _store(near: Buffer, to: Expr, words: list[Expr]) -> Expr:
        """Stores words of working memory, and gives the place behind them."""
        if len(words) == FOUR:
            return store_four(near.data, to, *words)
        for i, word in enumerate(words):
            T.evaluate(store_at(near.data, to, i, word))
        return ahead(to, len(words))

    def _unpacker(self) -> Callable[[Expr], list[Expr]]:
        """What makes the paired words of a stored one."""
        if self.bits == 8:
            return lambda word: [word]
        # Opaque: of a mask that it knows LLVM makes an immediate operand, which leaves no room for the shift.
        mask = bind("mask", opaque(T.int32(((1 << self.bits) - 1) * 0x01010101)))
        raised = bind("raised", opaque(T.int32((1 << (self.bits - 1)) * 0x01010101)))

        def unpacked(word: Expr) -> list[Expr]:
            fields = [T.shift_right(word, T.int32(self.bits * i)) if i else word for i in range(self.per_word)]
            return [bind("pairs", subtract_halves(T.bitwise_and(field, mask), raised)) for field in fields]

        return unpacked
