"""A generator of samples: its operators' derivatives, and what it makes."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.reconstruct import generator_vjp
from edgeq.reconstruct.block import Block
from edgeq.reconstruct.generator import generator

from .test_vjp import check

RNG = np.random.default_rng(0)


def test_derivatives() -> None:
    x = RNG.standard_normal((1, 3, 4, 5, 6))
    scale, shift = RNG.standard_normal((2, 1, 3, 1, 1, 1))
    check(generator_vjp.leak, x)
    check(generator_vjp.scale_channels, x, scale, shift)
    check(lambda operand: generator_vjp.resize(operand, (8, 9)), x)
    check(generator_vjp.normalize, x)


def test_neighbours_are_repeated() -> None:
    y, _ = generator_vjp.resize(np.arange(3.0).reshape(1, 1, 3, 1), (5,))
    assert y.ravel().tolist() == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("spatial", [(8, 8), (49, 10), (13,), (1, 1)])
def test_samples_begin_with_the_moments_of_the_guess(spatial: tuple[int, ...]) -> None:
    source = generator("x", (1, 2, *spatial, 16), (5.0, 3.0), RNG)
    samples = source.samples("x")
    assert samples.shape == (1, 2, *spatial, 16)
    assert abs(samples.mean() - 5) < 0.01 and abs(samples.std() - 3) < 0.05
    assert source.rates.keys() == source.parameters.keys()


def test_every_parameter_matters() -> None:
    """But biases in front of a normalization, whose gradients are 0 but for rounding."""
    source = generator("x", (1, 1, 8, 8, 4), (0.0, 1.0), RNG)
    gradients = Block(source.operations).gradients(source.parameters, lambda values: {"x": values["x"] ** 2})
    reached = {name for name, array in source.parameters.items() if np.abs(gradients[name]).max() > 1e-2}
    assert reached >= {f"generator/{name}" for name in ("z", "w0", "w1", "w2", "w3", "scale", "shift")}
