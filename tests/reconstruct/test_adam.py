"""Adam, against its paper and on problems with a known answer."""

from __future__ import annotations

import numpy as np

from edgeq.reconstruct.adam import Adam


def test_first_step_has_the_size_of_the_rate_whatever_the_gradient() -> None:
    first, second = np.zeros(3), np.zeros((2, 1))
    Adam([first, second], [0.1, np.array([[0.2], [0.3]])]).step([np.array([1e-4, -5.0, 0.0]), np.full((2, 1), 7.0)])
    np.testing.assert_allclose(first, [-0.1, 0.1, 0.0], rtol=1e-4)
    np.testing.assert_allclose(second, [[-0.2], [-0.3]], rtol=1e-4)


def test_steps_are_those_of_the_paper() -> None:
    """Algorithm 1 with beta1 = 0.9 and beta2 = 0.999, written out for one number."""
    parameter, expected, m, v = np.array([1.0]), 1.0, 0.0, 0.0
    adam = Adam([parameter], [0.01])
    for t, gradient in enumerate([0.5, -2.0, 3.0, 0.1], start=1):
        adam.step([np.array([gradient])])
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        expected -= 0.01 * (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.999**t))
        np.testing.assert_allclose(parameter, expected, rtol=1e-9)


def test_share_scales_the_step() -> None:
    whole, half = np.zeros(4), np.zeros(4)
    gradient = np.arange(1.0, 5.0)
    Adam([whole], [0.1]).step([gradient])
    Adam([half], [0.1]).step([gradient], 0.5)
    np.testing.assert_allclose(half, whole / 2)


def test_minimizes_an_ill_conditioned_quadratic() -> None:
    curvature, least = np.array([1e-3, 1.0, 1e3]), np.array([3.0, -1.0, 0.5])
    x = np.zeros(3)
    adam = Adam([x], [0.05])
    for step in range(600):
        adam.step([curvature * (x - least)], 1 - step / 600)
    np.testing.assert_allclose(x, least, atol=0.01)
