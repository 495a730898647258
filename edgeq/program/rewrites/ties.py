"""How operators connect channels: which ones they keep apart, and which buffers they need as they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.program.ops import Add, AveragePool, Conv2D, Copy, Dense, Fill, Interpolate, Lut, MaxPool, Mul, Op
from edgeq.program.program import Program
from edgeq.program.rewrites.channels import channel_combinations, channel_count, operands
from edgeq.program.rewrites.readers import mixes_channels, sees_channels


def ties(op: Op, program: Program) -> Iterator[tuple[str, np.ndarray]]:
    """Operands of which each channel makes certain channels of the result, and no others take part in those.

    Yields:
        The operand, and distinct pairs (channel of the result, channel of the operand), (pairs, 2).
    """
    if isinstance(op, Add | Mul | Copy):
        met = channel_combinations(op, program)
        for column, (name, _) in enumerate(operands(op), start=1):
            if not _is_broadcast(name, program):
                yield name, met[:, [0, column]]
    elif _is_channelwise(op, program):
        yield op.reads[0], np.arange(channel_count(program.buffer[op.y]))[:, None].repeat(2, axis=1)


def fixed_buffers(op: Op, program: Program) -> Iterator[str]:
    """Buffers of which this operator needs all channels, whatever they hold."""
    if isinstance(op, Add | Mul | Copy):
        yield from (name for name, _ in operands(op) if _is_broadcast(name, program))
    elif isinstance(op, Conv2D | Dense) and mixes_channels(op):
        if not sees_channels(op, program):
            yield op.x
        if channel_count(program.buffer[op.y]) != len(op.weight):
            yield op.y
    elif not isinstance(op, Fill) and not _is_channelwise(op, program):
        yield from op.reads + op.writes


def _is_broadcast(name: str, program: Program) -> bool:
    """One channel may stand for all of the result's: it is not tied to any."""
    return channel_count(program.buffer[name]) == 1


def _is_channelwise(op: Op, program: Program) -> bool:
    """True where channel c of the result depends on channel c of the one operand only."""
    match op:
        case Conv2D():
            channels = {op.groups, op.x_shape[3], op.y_shape[3]}
        case AveragePool() | MaxPool():
            channels = {op.x_shape[3], op.y_shape[3]}
        case Lut() | Interpolate():
            channels = set()
        case _:
            return False
    return len(channels | {channel_count(program.buffer[name]) for name in (op.x, op.y)}) == 1
