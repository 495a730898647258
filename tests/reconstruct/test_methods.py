"""Rounding methods on one layer."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from edgeq.reconstruct.gptq import Gptq
from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.method import Method, choose
from edgeq.reconstruct.nearest import Nearest
from edgeq.reconstruct.scales import clipped_scale, full_scale

from .layers import linear_layer

METHODS = (Nearest(), Gptq(), Gptq(ridge=0.01, restarts=3))


def loss(layer: Layer, method: Method) -> float:
    return layer.loss(method.solve(layer, everything=True), layer.everything)


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("options", [{"bits": 2}, {"bits": 8}, {"groups": 5, "outputs": 1}, {"shared": True}], ids=str)
def test_solution_lies_on_its_grid(method: Method, options: dict[str, int]) -> None:
    layer = linear_layer(**options)
    solution = method.solve(layer, everything=True)
    assert solution.integers.shape == layer.weight.shape
    np.testing.assert_array_equal(solution.integers, np.rint(solution.integers))
    assert layer.limits[0] <= solution.integers.min() and solution.integers.max() <= layer.limits[1]
    assert (solution.scale > 0).all()
    assert not layer.shared or np.unique(solution.scale).size == 1


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_mean_error_is_zero(method: Method) -> None:
    layer = linear_layer()
    solution = method.solve(layer, everything=True)
    y = layer.x @ solution.weight.transpose(0, 2, 1) + solution.bias[:, None]
    np.testing.assert_allclose((y - layer.target).mean(axis=1), 0, atol=1e-3)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_layer_that_cannot_have_a_bias_gets_none(method: Method) -> None:
    assert not method.solve(linear_layer(has_bias=False), everything=True).bias.any()


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_scales_stay_above_their_floor(method: Method) -> None:
    layer = linear_layer()
    layer = replace(layer, floor=np.full_like(layer.floor, 2.0))
    assert (method.solve(layer, everything=True).scale >= 2.0).all()


@pytest.mark.parametrize(
    "options", [{}, {"bits": 2}, {"groups": 6, "outputs": 1, "inputs": 9}, {"shared": True}], ids=str
)
def test_second_order_beats_nearest(options: dict[str, int]) -> None:
    layer = linear_layer(**options)
    assert loss(layer, Gptq()) < 0.7 * loss(layer, Nearest())


def test_resolving_makes_up_for_noise_before_the_layer() -> None:
    layer = linear_layer(noise=0.3)
    assert loss(layer, Gptq(ridge=0.01)) < 0.9 * loss(layer, Gptq())


def test_search_helps_and_is_seeded() -> None:
    layer = linear_layer(bits=2)
    assert loss(layer, Gptq(restarts=20)) < 0.98 * loss(layer, Gptq())
    first, second = (Gptq(restarts=5, seed=1).solve(layer, everything=True) for _ in range(2))
    np.testing.assert_array_equal(first.integers, second.integers)


def test_choice_is_by_the_rows_held_out() -> None:
    layer = linear_layer(noise=0.3)
    overfitted = Solution(layer.present.integers, layer.present.scale * 50, layer.present.bias)

    class Overfits:
        def solve(self, layer: Layer, *, everything: bool) -> Solution:
            return overfitted

    assert choose(layer, (Overfits(), Nearest(), Gptq())) == Gptq()
    few = linear_layer(rows=20, inputs=60)
    assert choose(few, (Gptq(ridge=1e-9), Gptq(ridge=10.0))) == Gptq(ridge=10.0)


def test_clipping_lessens_the_error_of_weights() -> None:
    weight = np.random.default_rng(0).standard_normal((1, 8, 500)).astype(np.float32)
    full = full_scale(weight, 7, shared=False)
    clipped = clipped_scale(weight, np.zeros_like(full), -8, 7, shared=False)

    def error(scale: np.ndarray) -> np.ndarray:
        rounded = np.rint(weight / scale[..., None]).clip(-8, 7) * scale[..., None]
        return np.square(rounded - weight).sum(axis=-1)

    assert (error(clipped) < 0.9 * error(full)).all()
    assert (clipped < full).all()


@pytest.mark.parametrize("has_bias", [True, False])
def test_moments_take_little_memory(has_bias: bool) -> None:
    """They are those of the chosen rows, without a copy of all of them."""
    layer = linear_layer(rows=20_000, inputs=32, has_bias=has_bias)
    chosen = [part[0, ~layer.held].astype(np.float64) for part in (layer.x, layer.target)]
    x, target = (part - part.mean(axis=0) * has_bias for part in chosen)
    tracemalloc.start()
    moments = layer.fit_moments
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(moments.hessian[0], x.T @ x / len(x), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(moments.cross[0], target.T @ x / len(x), rtol=1e-3, atol=1e-3)
    assert peak < layer.x.nbytes / 2
