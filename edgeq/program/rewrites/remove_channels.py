"""Removes constant and unread channels.

Quantization leaves channels whose every value is known when the program is compiled: their weights rounded to zero, or
their accumulator lies beyond a clamp for every input. They become part of their readers' biases. Channels that nothing
reads, or that only zero weights read, vanish as well, which may leave further ones unread.

A constant that some window of its reader would see replaced by padding is kept, unless it equals what padding counts
as: its sum differs at borders, and an operator has one bias for all positions.
"""

from __future__ import annotations

from edgeq.program.program import Program
from edgeq.program.rewrites.bounds import channel_bounds
from edgeq.program.rewrites.cut import Cut, unreachable
from edgeq.program.rewrites.narrow import narrow
from edgeq.program.rewrites.removable import removable_channels


def remove_channels(program: Program) -> Program:
    """One round of removal; outputs keep every byte. The same object where nothing can go."""
    bounds = channel_bounds(program)
    fixed: set[str] = set()
    while True:
        cut = Cut(program, removable_channels(program, bounds, fixed), bounds)
        stuck = unreachable(cut)
        if not stuck:
            return narrow(cut) if cut.dropped else program
        fixed |= stuck
