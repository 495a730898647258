"""The inner loop of blocks of two pixels and two pairs of channels, or one and four: eight sums, word by word.

Per 16 products of two pixels: 8 SMLAD, 2 SXTB16, LDRD for the weights of both pairs, 2 LDR for the inputs. Sums take
registers that only 32-bit instructions reach, so that operands and pointers have the others: then nothing is spilled,
and the step is short enough for small instruction caches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.assembly import ahead, opaque, place, smlad_high, smlad_low, sxtb16_in_place, word_at
from edgeq.targets.dsp.intrinsics import forget, pin
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.dsp.memory import Memory
    from edgeq.targets.dsp.schedule import Block

TOGETHER = 2
"""Pairs whose weights are loaded at once."""

SUMS = 8
"""Accumulators 0 to 7; two more hold the places of weights and of inputs."""

HIGH = 6
"""Registers that 16-bit instructions do not reach: r8 to r12, and lr."""

WEIGHTS, INPUTS = SUMS, SUMS + 1
"""Accumulators that hold places."""


@dataclass(frozen=True)
class Windows:
    """What is multiplied.

    Attributes:
        block: Two pixels and two pairs of channels, or one and four.
        segments: Kernel rows: contiguous pieces of a window.
        words: Of a segment.
        row_words: Words from one segment to the next.
        step: Words from one pixel's window to the next one's.
    """

    block: Block
    segments: int
    words: int
    row_words: int
    step: int

    def multiply(self, memory: Memory, size: int, first: Expr, base: Expr) -> None:
        """Code that adds the products of all words of the windows to the accumulators.

        Args:
            size: Words of one unrolled step.
            first: Word of `memory.rows` at which the first window begins.
            base: Word of `memory.weights` at which those of the channels begin.
        """
        steps = self.words // size
        jump = self.row_words - self.words if self.segments > 1 else 0
        T.buffer_store(memory.acc, place(memory.weights.data, base), [WEIGHTS])
        T.buffer_store(memory.acc, place(memory.rows.data, first), [INPUTS])
        if self.segments == 1 or steps == 1:
            rounds = self.segments * steps
            # Of two rounds, too, if it knows their number.
            with T.serial(opaque(T.int32(rounds)) if rounds == 2 else rounds):
                self._step(memory, size, size + jump)
        elif steps == 2:
            # Of a loop of two rounds within another LLVM makes a flag that takes a register from the operands.
            with T.serial(self.segments * steps) as i:
                self._step(memory, size, T.Select(T.bitwise_and(i, 1) == 1, size + jump, size))
        else:
            with T.serial(self.segments):
                with T.serial(steps):
                    self._step(memory, size, size)
                T.buffer_store(memory.acc, ahead(memory.acc[INPUTS], jump), [INPUTS])

    def _step(self, memory: Memory, size: int, forward: Expr | int) -> None:
        x, w = bind("x_at", memory.acc[INPUTS]), bind("w_at", memory.acc[WEIGHTS])
        for i in range(size):
            inputs: list[Expr] = []
            for first in range(0, self.block.pairs, TOGETHER):
                pairs = range(first, first + TOGETHER)
                places = [i * self.block.pairs + pair for pair in pairs]
                weights = [bind("w", word_at(memory.weights.data, w, at)) for at in places]
                inputs = inputs or [bind("x", word_at(memory.rows.data, x, at + i)) for at in self._pixels]
                for word in (*weights, *inputs):
                    pin(word)
                for pair, both in zip(pairs, weights, strict=True):
                    self._accumulate(memory.acc, 2 * pair, both, inputs)
                    self._accumulate(memory.acc, 2 * pair + 1, bind("even", sxtb16_in_place(both)), inputs)
                forget(memory.rows.data)
                forget(memory.weights.data)
        T.buffer_store(memory.acc, ahead(x, forward), [INPUTS])
        T.buffer_store(memory.acc, ahead(w, size * self.block.pairs), [WEIGHTS])

    @property
    def _pixels(self) -> range:
        """Words from the first pixel's window to the others'."""
        return range(0, self.block.pixels * self.step, self.step)

    def _accumulate(self, acc: Buffer, number: int, weights: Expr, inputs: list[Expr]) -> None:
        for pixel, x in enumerate(inputs):
            i = 2 * self.block.pairs * pixel + number
            smlad = smlad_high if i < HIGH else smlad_low
            T.buffer_store(acc, smlad(weights, x, acc[i]), [i])
            pin(acc[i])
