"""The operators that a generator of images has besides those of networks, with vector-Jacobian products as in `vjp`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.reconstruct.vjp import Result

LEAK = np.float32(0.2)
"""Slope of LeakyReLU below 0."""


def normalize(x: np.ndarray) -> Result:
    """Batch normalization without scale and bias, by the statistics of x, (1, channels, *spatial, samples)."""
    axes = all_but_channels(x)
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + np.float32(1e-5))
    z = (x - x.mean(axis=axes, keepdims=True)) / deviation

    def vjp(gradient: np.ndarray) -> tuple[np.ndarray, ...]:
        mean, along = (y.mean(axis=axes, keepdims=True) for y in (gradient, gradient * z))
        return ((gradient - mean - z * along) / deviation,)

    return z, vjp


def leak(x: np.ndarray) -> Result:
    """LeakyReLU."""
    slope = np.where(x > 0, np.float32(1), LEAK)
    return x * slope, lambda gradient: (gradient * slope,)


def resize(x: np.ndarray, spatial: Sequence[int]) -> Result:
    """Nearest neighbours, from (1, channels, *spatial, samples) to other spatial sizes."""
    matrices = [_nearest(old, new) for old, new in zip(x.shape[2:-1], spatial, strict=True)]
    return _along(x, matrices), lambda gradient: (_along(gradient, [matrix.T for matrix in matrices]),)


def scale_channels(x: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> Result:
    """x * scale + shift, both (1, channels, 1...)."""
    axes = all_but_channels(x)

    def vjp(gradient: np.ndarray) -> tuple[np.ndarray, ...]:
        by_scale, by_shift = (y.sum(axis=axes, keepdims=True) for y in (gradient * x, gradient))
        return gradient * scale, by_scale, by_shift

    return x * scale + shift, vjp


def all_but_channels(x: np.ndarray) -> tuple[int, ...]:
    """The axes that a channel's statistics are taken over."""
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def _nearest(old: int, new: int) -> np.ndarray:
    """(new, old): a one in each row."""
    return np.eye(old, dtype=np.float32)[np.arange(new) * old // new]


def _along(x: np.ndarray, matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Each spatial axis multiplied by its matrix."""
    for axis, matrix in enumerate(matrices, start=2):
        x = np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)
    return np.ascontiguousarray(x)
