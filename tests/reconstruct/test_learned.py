"""Methods that learn to round: gradients, early stopping, and what they gain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from edgeq.reconstruct.adaquant import AdaQuant, Perturbed
from edgeq.reconstruct.adaround import AdaRound, UpOrDown, regularizer, regularizer_slope
from edgeq.reconstruct.flexround import Divided, FlexRound
from edgeq.reconstruct.gauss_newton import LEAK, Censored, GaussNewton, censored
from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.method import Method
from edgeq.reconstruct.nearest import Nearest
from edgeq.reconstruct.straight_through import straight_through
from edgeq.reconstruct.training import slopes, within_cells

from .layers import linear_layer

LEARNED: list[Callable[[Method], Method]] = [AdaRound, AdaQuant, FlexRound]
ALL = [*LEARNED, GaussNewton]


def relu_layer(**options: int | float | bool) -> Layer:
    """A layer in front of a ReLU that cuts half of its outputs off."""
    layer = linear_layer(**options)  # type: ignore[arg-type]
    return replace(layer, target=layer.target - np.median(layer.target, axis=1, keepdims=True), clip=(0.0, np.inf))


def finite_difference(function: Callable[[np.ndarray], float], at: np.ndarray, epsilon: float = 1e-3) -> np.ndarray:
    slope = np.empty_like(at, dtype=np.float64)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = epsilon
        slope[index] = (function(at + step) - function(at - step)) / (2 * epsilon)
    return slope


def test_slopes_are_those_of_the_loss_behind_the_activation() -> None:
    layer = relu_layer(outputs=2, inputs=3, rows=60)
    layer = replace(layer, offset=np.random.default_rng(1).standard_normal(layer.target.shape).astype(np.float32))
    start, rows = layer.present, np.arange(60)

    def loss(weight: np.ndarray, bias: np.ndarray) -> float:
        return layer.loss(Solution(weight, np.ones_like(start.scale), bias), layer.everything)

    by_weight, by_bias = slopes(layer, rows, start.weight, start.bias)
    np.testing.assert_allclose(by_weight, finite_difference(lambda w: loss(w, start.bias), start.weight), rtol=0.05)
    np.testing.assert_allclose(by_bias, finite_difference(lambda b: loss(start.weight, b), start.bias), rtol=0.05)


def test_gradient_of_the_rectified_sigmoid() -> None:
    layer = linear_layer(outputs=2, inputs=4)
    soft = UpOrDown(layer, Nearest().solve(layer, everything=True), rate=0.01, strength=0.0)
    by_weight, v = np.random.default_rng(0).standard_normal(soft.v.shape), soft.v.copy()

    def loss(values: np.ndarray) -> float:
        soft.v[...] = values
        return float((by_weight * soft.weight()).sum())

    expected = finite_difference(loss, v)
    soft.v[...] = v
    np.testing.assert_allclose(soft.gradients(by_weight, 0.0)[0], expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("exponent", [2.0, 7.5, 20.0])
def test_gradient_of_the_regularizer(exponent: float) -> None:
    share = np.linspace(0.02, 0.98, 25)
    expected = finite_difference(lambda h: regularizer(h, exponent), share, 1e-5)
    np.testing.assert_allclose(regularizer_slope(share, exponent), expected, rtol=1e-4, atol=1e-6)
    assert regularizer(np.array([0.0, 1.0]), exponent) == 0


def test_straight_through_is_exact_where_nothing_is_rounded_away() -> None:
    """At whole steps within the limits only weights beyond them feel the scale; those within feel their own value."""
    steps, scale = np.array([[[-9.0, -2.0, 3.0, 12.0]]]), np.array([[0.5]])
    by_steps, by_scale = straight_through(np.ones_like(steps), steps, scale, (-8, 7), shared=False)
    np.testing.assert_array_equal(by_steps, [[[0.0, 0.5, 0.5, 0.0]]])
    assert by_scale[0, 0] == -8 + 7


def test_shared_scale_gets_the_sum_of_the_gradients() -> None:
    rng = np.random.default_rng(0)
    steps, by_weight, scale = rng.normal(0, 4, (1, 3, 5)), rng.standard_normal((1, 3, 5)), np.ones((1, 3))
    alone, together = (straight_through(by_weight, steps, scale, (-8, 7), shared=shared)[1] for shared in (False, True))
    np.testing.assert_allclose(together, np.full((1, 3), alone.sum()))


def test_divisors_follow_the_reciprocal_rule() -> None:
    """Proposition 3.1: what a weight's divisor feels is in proportion to the weight."""
    layer = linear_layer(bits=8)
    soft = Divided(layer, Nearest().solve(layer, everything=True), rate=0.01, scale_rate=0.0)
    by_element, by_output, _ = soft.gradients(np.ones_like(layer.weight), 0.0)
    steps = soft.weight() / soft.scale[..., None]
    assert np.corrcoef(-by_element.ravel(), (steps * soft.scale[..., None]).ravel())[0, 1] > 0.999
    np.testing.assert_allclose(by_output[..., 0], by_element.sum(axis=-1), rtol=1e-5)


@pytest.mark.parametrize(
    "soft", [lambda *a: UpOrDown(*a, 0.1, 0.1), lambda *a: Perturbed(*a, 0.1, 0.1), lambda *a: Divided(*a, 0.1, 0.1)]
)
@pytest.mark.parametrize("bits", [2, 4])
def test_first_iterate_is_the_start(soft: Callable[[Layer, Solution], UpOrDown], bits: int) -> None:
    layer = linear_layer(bits=bits)
    start = Gptq(ridge=0.1).solve(layer, everything=True)
    integers, scale = soft(layer, start).rounded()
    np.testing.assert_array_equal(integers, start.integers)
    np.testing.assert_array_equal(scale, start.scale)
    np.testing.assert_array_equal(np.rint(within_cells(layer.weight, start)), start.integers)


@pytest.mark.parametrize("kind", ALL)
def test_learning_beats_nearest_rounding(kind: Callable[[Method], Method]) -> None:
    layer = relu_layer(bits=3, inputs=64, outputs=8, rows=1000)
    start, learned = (m.solve(layer, everything=True) for m in (Nearest(), kind(Nearest())))
    assert layer.loss(learned, layer.everything) < 0.95 * layer.loss(start, layer.everything)


@dataclass(frozen=True)
class Fitted:
    """A start that saw the held-out rows: descent on the others can only make it worse on them."""

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        return Gptq(ridge=1e-6, restarts=20).solve(layer, everything=True)


@pytest.mark.parametrize("kind", LEARNED)
@pytest.mark.parametrize("start", [Nearest(), Gptq(), Fitted()], ids=lambda m: type(m).__name__)
def test_never_worse_than_the_start_on_held_out_rows(kind: Callable[[Method], Method], start: Method) -> None:
    layer = relu_layer(rows=60, inputs=30)
    before, after = (m.solve(layer, everything=False) for m in (start, kind(start)))
    assert layer.loss(after, layer.held) <= layer.loss(before, layer.held)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("options", [{"bits": 2}, {"groups": 5, "outputs": 1}, {"shared": True}], ids=str)
def test_solution_lies_on_its_grid(kind: Callable[[Method], Method], options: dict[str, int]) -> None:
    layer = relu_layer(**options)
    layer = replace(layer, floor=np.full_like(layer.floor, 0.4))
    solution = kind(Nearest()).solve(layer, everything=True)
    np.testing.assert_array_equal(solution.integers, np.rint(solution.integers))
    assert layer.limits[0] <= solution.integers.min() and solution.integers.max() <= layer.limits[1]
    assert (solution.scale >= layer.floor).all()
    assert not layer.shared or np.unique(solution.scale).size == 1


@pytest.mark.parametrize("kind", ALL)
def test_seeded(kind: Callable[..., Method]) -> None:
    layer = relu_layer(rows=1500)
    first, second = (kind(Nearest(), seed=3).solve(layer, everything=True) for _ in range(2))
    np.testing.assert_array_equal(first.weight, second.weight)
    np.testing.assert_array_equal(first.bias, second.bias)


@pytest.mark.parametrize("kind", ALL)
def test_layer_that_cannot_have_a_bias_gets_none(kind: Callable[[Method], Method]) -> None:
    layer = replace(linear_layer(has_bias=False), clip=(0.0, np.inf))
    assert not kind(Nearest()).solve(layer, everything=True).bias.any()


def test_gauss_newton_improves_on_gptq_and_declines_without_activation_or_rows() -> None:
    layer = relu_layer(bits=3, inputs=64, outputs=8, rows=1000)
    start, refined = (m.solve(layer, everything=True) for m in (Gptq(0.1), GaussNewton(Gptq(0.1))))
    assert layer.loss(refined, layer.everything) < 0.97 * layer.loss(start, layer.everything)
    assert (layer.losses(refined, layer.everything) <= layer.losses(start, layer.everything)).all()
    for declined in (replace(layer, clip=(-np.inf, np.inf)), relu_layer(inputs=64, rows=200)):
        plain, same = (m.solve(declined, everything=True) for m in (Gptq(0.1), GaussNewton(Gptq(0.1))))
        np.testing.assert_array_equal(plain.integers, same.integers)


def test_rows_beyond_a_limit_hardly_count() -> None:
    layer = relu_layer()
    task = censored(layer, np.arange(400), layer.present)
    y = layer.x @ layer.present.weight.transpose(0, 2, 1) + layer.present.bias[:, None]
    both = (y <= 0) & (layer.target <= 0)
    np.testing.assert_array_equal(~task.counts, both)
    np.testing.assert_allclose(task.target, np.where(both, y, np.maximum(layer.target, 0)), rtol=1e-6)


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_moments_weigh_rows(share: float) -> None:
    rng = np.random.default_rng(0)
    x, t = (rng.standard_normal((1, 90, n)).astype(np.float32) for n in (4, 1))
    counts = rng.random((1, 90, 1)) < share
    hessian, cross, x_mean, t_mean = Censored(x, t, counts).moments(0, 0)
    weights = np.where(counts[0, :, 0], 1, LEAK)
    np.testing.assert_allclose(x_mean, np.average(x[0], axis=0, weights=weights), rtol=1e-4)
    np.testing.assert_allclose(t_mean, np.average(t[0, :, 0], weights=weights), rtol=1e-4)
    together = np.cov(np.vstack([x[0].T, t[0].T]), aweights=weights, bias=True)
    np.testing.assert_allclose(hessian, together[:4, :4], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(cross, together[4, :4], rtol=1e-4, atol=1e-6)
