"""Noise as a first guess of what a network reads."""

from __future__ import annotations

import numpy as np

from edgeq.calibrate.noise import Noise, best_noise

SHAPE = (1, 3, 8, 16, 200)
"""Channels, rows, columns, samples."""


def _samples(**fields: float) -> np.ndarray:
    plain = {"deviation": 4.0, "shift": 2.0, "smoothness": 0.0, "shared": 0.0}
    return Noise(**{**plain, **fields}).samples(SHAPE, np.random.default_rng(0))


def test_moments_are_those_that_were_asked_for() -> None:
    for fields in ({}, {"spread": 1.0}, {"fall": 1.0}, {"smoothness": 2.0, "shared": 0.8}):
        samples = _samples(**fields)
        assert samples.dtype == np.float32
        assert np.isclose(samples.std(), 4, rtol=1e-4)
        assert np.isclose(samples.mean(), 8, atol=2)


def test_channels_share_what_they_have_in_common() -> None:
    def alike(shared: float) -> float:
        samples = _samples(shared=shared)
        return float(np.corrcoef(samples[0, 0].ravel(), samples[0, 1].ravel())[0, 1])

    assert abs(alike(0)) < 0.05
    assert 0.75 < alike(0.8) < 0.85


def test_samples_differ_in_loudness_and_positions_in_amplitude() -> None:
    loud, even = _samples(spread=1.0).std(axis=(0, 1, 2, 3)), _samples().std(axis=(0, 1, 2, 3))
    assert loud.max() / loud.min() > 20 > 2 > even.max() / even.min()
    falling = _samples(fall=1.0, shift=0.0).std(axis=(0, 1, 2, 4))
    assert np.allclose(falling[0] / falling, np.arange(1, 17), rtol=0.1)


def test_the_best_noise_may_be_louder_and_steeper_than_every_start() -> None:
    wanted = Noise(8.0, 1.0, 1.5, 0.8, spread=1.0, fall=0.5)

    def loss(noise: Noise) -> float:
        """Falls with each field that is right."""
        return -sum(getattr(noise, name) == value for name, value in vars(wanted).items())

    assert best_noise(loss) == wanted
