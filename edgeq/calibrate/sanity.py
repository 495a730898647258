"""What looks wrong about a network on its calibration samples: for people, with the names and what to do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.calibrate.observers import Observer
from edgeq.quant.qparams import Range

FEW_SAMPLES = 16
MANY_CLIPPED = 0.05
DEAD_SHARE = 0.25


def sanity_warnings(observers: Mapping[str, Observer], chosen: Mapping[str, Range], inputs: set[str]) -> list[str]:
    """Warnings, each about one kind of trouble and naming the tensors that have it.

    Args:
        observers: Of every tensor that will be quantized.
        chosen: The range that each of them gets.
        inputs: Which of them are network inputs, or rows of tables.
    """
    constant = [name for name, seen in observers.items() if seen.range.lo == seen.range.hi]
    dead = {name: _dead(seen) for name, seen in observers.items() if name not in (*constant, *inputs)}
    clipped = {name: seen.clipped(chosen[name]) for name, seen in observers.items()}
    found = [
        _few(max((seen.samples for seen in observers.values()), default=0)),
        _about(
            "the same value on every calibration sample",
            {name: f"{observers[name].range.lo:g}" for name in constant},
            "check that samples differ and are scaled as in training; a constant part can be cut from the model",
        ),
        _about(
            "channels that never change",
            {name: f"{count} of {seen}" for name, (count, seen) in dead.items() if count > DEAD_SHARE * seen},
            "check the samples' scaling; if it is right, the model has more channels than it needs",
        ),
        _about(
            f"more than {MANY_CLIPPED:.0%} of the values clipped",
            {name: f"{share:.1%}" for name, share in clipped.items() if share > MANY_CLIPPED},
            "calibrate with method minmax or percentile, or give these tensors 16 bits",
        ),
    ]
    return [text for text in found if text]


def _few(samples: int) -> str:
    if samples >= FEW_SAMPLES:
        return ""
    return f"only {samples} calibration samples: ranges may be too narrow; use 32 or more"


def _dead(seen: Observer) -> tuple[int, int]:
    """Number of channels that never change, and of all."""
    return int(np.count_nonzero(seen.channel_lo == seen.channel_hi)), len(seen.channel_lo)


def _about(what: str, tensors: Mapping[str, str], fix: str, most: int = 5) -> str:
    """One warning about several tensors; nothing where there are none."""
    if not tensors:
        return ""
    named = ", ".join(f"{name!r} ({detail})" for name, detail in list(tensors.items())[:most])
    more = f" and {len(tensors) - most} more" if len(tensors) > most else ""
    return f"{what}: {named}{more}; {fix}"
