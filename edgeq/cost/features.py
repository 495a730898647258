"""The quantities of a kernel call that time is proportional to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from edgeq.cost.blocks import OF_KERNEL
from edgeq.cost.shape import Loops

LANES = 16
"""Bytes of a vector; scalar kernels work on pairs and fours."""

STRAIGHT = 72
"""Pairs of taps up to which that is so, about."""


def positions(loops: Loops) -> int:
    """Output positions."""
    return loops.rows * loops.columns


def outputs(loops: Loops) -> int:
    """Output elements: each is requantized and stored."""
    return positions(loops) * loops.depth


def depth_in(loops: Loops) -> int:
    """Input elements at one place of the window."""
    return max(loops.piece // loops.window[1], 1)


def padded_macs(loops: Loops, lanes: int, channels: int = 1) -> int:
    """Products where pieces of windows are filled up to `lanes`, output channels to `channels`."""
    depth = -(-loops.depth // channels) * channels
    return positions(loops) * depth * loops.window[0] * -(-loops.piece // lanes) * lanes


def fits_unrolled(loops: Loops) -> bool:
    """Whether kernels lay out a whole window as one straight piece of code; elsewhere they loop over its rows."""
    return loops.window[0] * -(-loops.piece // 2) <= STRAIGHT


FEATURES: dict[str, Callable[[Loops], float]] = {
    "calls": lambda loops: 1,
    "rows": lambda loops: loops.rows,
    "positions": positions,
    "outputs": outputs,
    "macs": lambda loops: outputs(loops) * loops.taps,
    "macs_in_pairs": lambda loops: padded_macs(loops, 2, 2),
    "macs_in_fours": lambda loops: padded_macs(loops, 4, 2),
    "macs_in_vectors": lambda loops: padded_macs(loops, LANES),
    "segments": lambda loops: outputs(loops) * loops.window[0],
    "window_rows": lambda loops: loops.rows * loops.window[0],
    "gathered": lambda loops: positions(loops) * loops.taps * loops.groups,
    "inputs": lambda loops: loops.inputs,
    "odd_inputs": lambda loops: loops.inputs if depth_in(loops) % 4 else 0,
    "weights": lambda loops: loops.depth * loops.taps,
    "weights_by_row": lambda loops: loops.rows * loops.depth * loops.taps,
    "channels_by_row": lambda loops: loops.rows * loops.depth,
    "odd_columns": lambda loops: loops.rows * (loops.columns % 2) * loops.depth,
    "macs_of_odd_columns": lambda loops: loops.rows * (loops.columns % 2) * loops.depth * loops.taps,
    "macs_of_third_columns": lambda loops: loops.rows * (loops.columns % 3) * loops.depth * loops.taps,
    "macs_of_odd_channels": lambda loops: positions(loops) * (loops.depth % 2) * loops.taps,
    "looped_segments": lambda loops: 0 if fits_unrolled(loops) else outputs(loops) * loops.window[0],
}
"""By name. Multiply-accumulates with remainder lanes, what is requantized, widened, gathered and streamed, loops."""


@cache
def features_of(kernel: str) -> Mapping[str, Callable[[Loops], float]]:
    """What the time of a kernel may depend on.

    Args:
        kernel: As in `KernelShape`.
    """
    return {**FEATURES, **OF_KERNEL.get(kernel, {})}
