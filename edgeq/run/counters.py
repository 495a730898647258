"""What the readings of a board's instruction counter mean.

QEMU's `-icount shift=N` makes each instruction last 2^N ns of virtual time, which the emulated timers then show. A
timer counts instructions exactly where one of them lasts more than two ticks: a difference of two readings is off by
less than one tick, and rounding removes that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

WORD = 1 << 32


@dataclass(frozen=True)
class Counter:
    """A kind of counter, as `Emulator.counter` names it.

    Attributes:
        icount_shift: The N of `-icount shift=N`.
        instructions: From the differences of two readings (low words, high words; int64) to executed instructions.
    """

    icount_shift: int
    instructions: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _mps2_timer(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Low: a 25 MHz counter, 3.2 ticks per instruction. High: seconds, which tell how often the low word wrapped."""
    ticks = low % WORD
    wraps = np.rint((high * 25_000_000 - ticks) / WORD)
    return np.rint((ticks + wraps * WORD) / 3.2).astype(np.int64)


def _minstret(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The two halves of the number of retired instructions."""
    return high * WORD + low


COUNTERS = {
    "mps2_timer": Counter(icount_shift=7, instructions=_mps2_timer),
    "minstret": Counter(icount_shift=0, instructions=_minstret),
}
