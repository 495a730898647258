"""Which channels a matrix multiply reads, and which of them it could take as constants into its bias."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np

from edgeq.program.ops import Conv2D, Dense, Op
from edgeq.program.program import Program
from edgeq.program.rewrites.bounds import Bounds
from edgeq.program.rewrites.channels import channel_count
from edgeq.program.rewrites.windows import touches_padding
from edgeq.quant.fixed_point import INT32_LIMIT

Reader = Conv2D | Dense


def mixes_channels(op: Op) -> TypeGuard[Reader]:
    """True for an operator each of whose outputs sums over all channels of its input."""
    return isinstance(op, Dense) or (isinstance(op, Conv2D) and op.groups == 1)


def sees_channels(op: Reader, program: Program) -> bool:
    """True where what the operator takes for channels of its input are those of the buffer."""
    channels = channel_count(program.buffer[op.x])
    return op.weight.shape[1] % channels == 0 if isinstance(op, Dense) else op.x_shape[3] == channels


def by_channel(op: Reader, channels: int) -> np.ndarray:
    """The weights as (outputs, taps, channels of the input buffer)."""
    return op.weight.reshape(len(op.weight), -1, channels)


def needed_channels(op: Reader, x: Bounds) -> np.ndarray:
    """Channels of the input that the operator cannot do without: bool, (channels,).

    It can do without a channel whose weights are zero, and without a constant that its bias can take: one that is the
    same for every window, because it equals what padding counts as or because no window meets padding. Behind 16-bit
    activations an int32 bias may be too narrow to take them: then it takes none.
    """
    weights = by_channel(op, len(x.lo)).astype(np.int64)
    foldable = x.constant
    if isinstance(op, Conv2D) and touches_padding(op):
        foldable = foldable & (x.lo == op.x_zero_point)
    largest = np.abs(op.bias.astype(np.int64)) + np.abs(weights * np.where(foldable, x.lo, 0)).sum(axis=(1, 2))
    if (largest >= INT32_LIMIT).any():
        foldable = np.zeros_like(foldable)
    return weights.any(axis=(0, 1)) & ~foldable


def folded_bias(op: Reader, value: np.ndarray, dropped: np.ndarray) -> np.ndarray:
    """The bias with the products of dropped channels added.

    Args:
        value: Of each channel of the input buffer, int64.
        dropped: Which channels go, bool.
    """
    sums = by_channel(op, len(value)).astype(np.int64).sum(axis=1)
    return (op.bias + (sums * np.where(dropped, value, 0)).sum(axis=1)).astype(np.int32)
