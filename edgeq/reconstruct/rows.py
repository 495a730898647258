"""The inputs of a layer as the rows of a matrix, so that any layer is a matrix product."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Window:
    """Where a convolution looks: kernel, strides, dilations, per spatial axis; pads as ONNX orders them."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]

    def positions(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Output positions per spatial axis for an input of this size."""
        rank = len(spatial)
        return tuple(
            (spatial[i] + self.pads[i] + self.pads[rank + i] - self.dilations[i] * (self.kernel[i] - 1) - 1)
            // self.strides[i]
            + 1
            for i in range(rank)
        )


def sample_positions(samples: int, positions: int, per_sample: int, rng: np.random.Generator) -> np.ndarray:
    """Output positions to look at: (samples, min(positions, per_sample)), distinct within a sample."""
    if positions <= per_sample:
        return np.tile(np.arange(positions), (samples, 1))
    return np.argpartition(rng.random((samples, positions)), per_sample, axis=1)[:, :per_sample]


def patches(x: np.ndarray, window: Window, groups: int, chosen: np.ndarray) -> np.ndarray:
    """What a convolution sees at some output positions.

    Args:
        x: (samples, channels, *spatial), one or two spatial axes.
        chosen: (samples, n): flat output positions.

    Returns:
        (groups, samples * n, channels / groups * taps), elements in the order of an ONNX weight.
    """
    rank = x.ndim - 2
    grid = np.unravel_index(chosen, window.positions(x.shape[2:]))
    padded = np.pad(x, [(0, 0), (0, 0), *zip(window.pads[:rank], window.pads[rank:], strict=True)])
    last, samples = np.moveaxis(padded, 1, -1), np.arange(len(x))[:, None]
    seen = np.empty((groups, chosen.size, x.shape[1] // groups, math.prod(window.kernel)), x.dtype)
    for number, tap in enumerate(np.ndindex(*window.kernel)):
        steps = zip(grid, window.strides, tap, window.dilations, strict=True)
        under = last[samples, *(place * stride + i * dilation for place, stride, i, dilation in steps)]
        seen[..., number] = under.reshape(chosen.size, groups, -1).transpose(1, 0, 2)
    return seen.reshape(groups, chosen.size, -1)
