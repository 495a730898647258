"""Where the windows of an operator meet padding."""

from __future__ import annotations

import numpy as np

from edgeq.program.ops import AveragePool, Conv2D, MaxPool

Windowed = Conv2D | AveragePool | MaxPool


def kernel_of(op: Windowed) -> tuple[int, int]:
    """(vertical, horizontal) taps of the window."""
    return op.weight.shape[1:3] if isinstance(op, Conv2D) else op.kernel


def valid_taps(op: Windowed) -> np.ndarray:
    """How many taps of the window lie in the input, by output position: (oh, ow)."""
    vertical, horizontal = (_valid_along(op, axis) for axis in range(2))
    return np.outer(vertical, horizontal)


def touches_padding(op: Windowed) -> bool:
    """True where some window reads a padded element."""
    kh, kw = kernel_of(op)
    return int(valid_taps(op).min()) < kh * kw


def _valid_along(op: Windowed, axis: int) -> np.ndarray:
    taps = np.arange(kernel_of(op)[axis]) * op.dilations[axis]
    at = np.arange(op.y_shape[1 + axis])[:, None] * op.strides[axis] - op.pads[axis] + taps
    return ((at >= 0) & (at < op.x_shape[1 + axis])).sum(axis=1)
