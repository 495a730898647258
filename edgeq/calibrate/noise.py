"""Normal noise of many kinds, as first guesses of what a network reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np


@dataclass(frozen=True)
class Noise:
    """Normal noise.

    Attributes:
        deviation: Standard deviation.
        shift: Mean, in standard deviations.
        smoothness: Power of the frequency by which amplitudes fall: 0 is white noise, photographs have about 1 to 2.
        shared: Share of the variance that all channels have in common: of gray images 1.
        spread: Standard deviation of the logarithm of a sample's loudness: recordings differ more than photographs.
        fall: Power of the position along the last axis by which amplitudes fall: of cepstra and spectra about 1.
    """

    deviation: float
    shift: float
    smoothness: float
    shared: float
    spread: float = 0
    fall: float = 0

    def samples(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        """float32 (1, channels, *spatial, samples)."""
        own, common = generator.standard_normal((2, *shape))
        noise = np.sqrt(1 - self.shared) * own + np.sqrt(self.shared) * common[:, :1]
        profile = (1 + np.arange(shape[-2])[:, None]) ** -self.fall
        loudness = np.exp(self.spread * generator.permutation(_normal_levels(shape[-1])))
        varied = _smoothed(noise, self.smoothness) * profile * loudness
        return (self.deviation * (varied / varied.std() + self.shift)).astype(np.float32)


def _normal_levels(count: int) -> np.ndarray:
    """As many quantiles of the normal distribution, evenly apart: few samples get loud and quiet ones alike."""
    return np.array([NormalDist().inv_cdf((i + 0.5) / count) for i in range(count)])


def _smoothed(noise: np.ndarray, power: float) -> np.ndarray:
    axes = tuple(range(2, noise.ndim - 1))
    squares = np.zeros([1] * noise.ndim)
    for axis in axes:
        along = np.fft.fftfreq(noise.shape[axis], 1 / noise.shape[axis])
        squares = squares + np.square(along.reshape([-1 if i == axis else 1 for i in range(noise.ndim)]))
    return np.fft.ifftn(np.fft.fftn(noise, axes=axes) / np.maximum(squares, 1) ** (power / 2), axes=axes).real


STARTS: Sequence[Noise] = [
    Noise(float(deviation), shift, smoothness, shared)
    for smoothness in (0.0, 1.0, 1.5, 2.0)
    for shared in (0.0, 0.8)
    for deviation in 2.0 ** np.arange(-4, 10)
    for shift in (-1.0, 0.0, 1.0, 2.0)
]
"""Inputs may be 0..1, 0..255 or centred; images or spectra."""


def best_noise(loss: Callable[[Noise], float]) -> Noise:
    """The noise of least loss: the best start, then the best of its louder, quieter and steeper relatives."""
    return min(_relatives(min(STARTS, key=loss)), key=loss)


def _relatives(start: Noise) -> Iterator[Noise]:
    for spread in (0.0, 0.5, 1.0, 1.5):
        for fall in (0.0, 0.5, 1.0):
            for smoothness in (0.0, 1.0, 1.5, 2.0):
                for factor in (0.5, 1.0, 2.0):
                    yield replace(
                        start, deviation=factor * start.deviation, smoothness=smoothness, spread=spread, fall=fall
                    )
