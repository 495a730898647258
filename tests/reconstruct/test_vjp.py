"""Vector-Jacobian products against finite differences, and convolutions against their matrix product over patches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.reconstruct import vjp
from edgeq.reconstruct.block import Block, Operation
from edgeq.reconstruct.rows import Window, patches

STEP = 1e-6


def check(function: Callable[..., vjp.Result], *operands: np.ndarray) -> None:
    """Derivatives along random directions, in float64."""
    rng = np.random.default_rng(0)
    y, backward = function(*operands)
    gradient = rng.standard_normal(y.shape)
    found = backward(gradient)
    assert len(found) == len(operands)
    for i, operand in enumerate(operands):
        direction = rng.standard_normal(operand.shape)
        ends = [function(*operands[:i], operand + sign * STEP * direction, *operands[i + 1 :])[0] for sign in (1, -1)]
        expected = np.vdot(gradient, ends[0] - ends[1]) / (2 * STEP)
        assert found[i].shape == operand.shape
        np.testing.assert_allclose(np.vdot(found[i], direction), expected, rtol=1e-5, atol=1e-5)


@st.composite
def windows(draw: st.DrawFn) -> tuple[tuple[int, ...], Window]:
    """One or two spatial axes, and a window that fits."""
    rank = draw(st.integers(1, 2))
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    return each(5, 8), Window(each(1, 3), each(1, 3), each(1, 2), (*each(0, 2), *each(0, 2)))


@settings(max_examples=40, deadline=None)
@given(windows(), st.sampled_from([(1, 3, 2), (2, 1, 2), (4, 2, 1), (3, 1, 1)]))
def test_convolution(place: tuple[tuple[int, ...], Window], sizes: tuple[int, int, int]) -> None:
    (spatial, window), (groups, outputs, inputs) = place, sizes
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, groups * inputs, *spatial, 3))
    weight = rng.standard_normal((groups, outputs, inputs * int(np.prod(window.kernel))))
    bias = rng.standard_normal((groups, outputs))
    check(lambda *operands: vjp.convolve(*operands, window), x, weight, bias)
    count = int(np.prod(window.positions(spatial)))
    rows = patches(np.moveaxis(x, -1, 0)[:, 0], window, groups, np.tile(np.arange(count), (3, 1)))
    expected = rows @ weight.transpose(0, 2, 1) + bias[:, None]
    y = vjp.convolve(x, weight, bias, window)[0].reshape(groups, outputs, count, 3)
    np.testing.assert_allclose(y, expected.reshape(groups, 3, count, outputs).transpose(0, 3, 2, 1))


@settings(max_examples=20, deadline=None)
@given(windows())
def test_average(place: tuple[tuple[int, ...], Window]) -> None:
    spatial, window = place
    x = np.random.default_rng(0).standard_normal((1, 2, *spatial, 3))
    check(lambda a: vjp.pool_average(a, window), x)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3), max_size=2), st.integers(1, 4), st.integers(1, 4))
def test_matrix_product(rows: list[int], inputs: int, outputs: int) -> None:
    rng = np.random.default_rng(0)
    shapes = (*rows, inputs, 3), (1, outputs, inputs), (1, outputs)
    check(vjp.multiply_matrix, *(rng.standard_normal(shape) for shape in shapes))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.booleans(), min_size=3, max_size=3), st.integers(0, 2))
def test_sum_with_broadcast(stretched: list[bool], missing: int) -> None:
    rng = np.random.default_rng(0)
    full = (2, 3, 4)
    other = tuple(1 if flag else size for flag, size in zip(stretched, full, strict=True))[missing:]
    check(vjp.add, rng.standard_normal(full), rng.standard_normal(other))


def test_elementwise_and_movement() -> None:
    x = np.random.default_rng(0).standard_normal((1, 2, 6, 5))
    check(lambda a: vjp.clip(a, 0.0, 1.0), x)
    check(lambda a: vjp.reshape(a, (3, 4)), x)
    check(lambda a: vjp.transpose(a, (0, 2, 1)), x)


def test_rounding_counts_as_the_identity_within_the_limits() -> None:
    x, scale = np.array([-9.0, -0.6, 0.2, 0.9, 9.0]), np.array(0.5)
    y, backward = vjp.fake_quantize(x, scale, 0, (-8, 7))
    np.testing.assert_allclose(y, [-4, -0.5, 0.0, 1.0, 3.5])
    by_x, by_scale = backward(np.ones(5))
    np.testing.assert_array_equal(by_x, [0, 1, 1, 1, 0])
    np.testing.assert_allclose(by_scale, (-8) + (-1 + 1.2) + (0 - 0.4) + (2 - 1.8) + 7, rtol=1e-6)


def test_block_sums_gradients_over_branches() -> None:
    """y = x + clip(x) + clip(x), with one limit met."""
    block = Block(
        [
            Operation(("x",), "c", lambda x: vjp.clip(x, 0.0, np.inf)),
            Operation(("x", "c"), "s", vjp.add),
            Operation(("s", "c"), "y", vjp.add),
        ]
    )
    x = np.array([-1.0, 2.0])
    np.testing.assert_array_equal(block.run({"x": x}), [-1, 6])
    np.testing.assert_array_equal(block.differentiate({"x": x}, np.ones_like)["x"], [1, 3])
