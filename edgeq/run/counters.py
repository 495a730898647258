"""What the readings of a board's instruction counter mean.

QEMU's `-icount shift=N` makes each instruction last 2^N ns of virtual time, which the emulated timers then show. A
timer counts instructions exactly where one of them lasts more than two ticks: a difference of two readings is off by
less than one tick, and rounding removes that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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


SHIFT = 7
"""Of the boards whose counter is a timer: an instruction lasts 128 ns."""


def _timer(clock: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Low: a counter of `clock` Hz. High: seconds, which tell how often the low word wrapped."""
    ticks = low % WORD
    wraps = np.rint((high * clock - ticks) / WORD)
    return _executed(clock, ticks + wraps * WORD)


def _counter(clock: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The two halves of a counter of `clock` Hz."""
    return _executed(clock, high * WORD + low)


def _executed(clock: int, ticks: np.ndarray) -> np.ndarray:
    return np.rint(ticks / (clock * 1e-9 * 2**SHIFT)).astype(np.int64)


def _minstret(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The two halves of the number of retired instructions."""
    return high * WORD + low


COUNTERS = {
    "mps2_timer": Counter(SHIFT, partial(_timer, 25_000_000)),
    "iotkit_timer": Counter(SHIFT, partial(_timer, 20_000_000)),
    "sse300_counter": Counter(SHIFT, partial(_counter, 32_000_000)),
    "minstret": Counter(icount_shift=0, instructions=_minstret),
}
