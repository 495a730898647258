"""Rounding in the metric of a quadratic form, against search through all integers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from edgeq.reconstruct.quadratic import damped, descend, refit_scale, round_columns

LOW, HIGH = -2, 1


def problem(inputs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A weight (1, 3, inputs), a strongly coupled Hessian, and scales (1, 3)."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((1, inputs, inputs))
    hessian = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(inputs)
    return rng.standard_normal((1, 3, inputs)).astype(np.float32), hessian, np.full((1, 3), 0.8, np.float32)


def loss(integers: np.ndarray, weight: np.ndarray, hessian: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(groups, outputs)."""
    difference = integers * scale[..., None] - weight
    return ((difference @ hessian) * difference).sum(axis=-1)


def test_columns_report_the_loss_they_make() -> None:
    weight, hessian, scale = problem(40)
    scales = np.stack([scale, 1.3 * scale])
    integers, losses = round_columns(weight, hessian, scales, LOW, HIGH)
    for candidate in range(2):
        exact = loss(integers[candidate], weight, hessian, scales[candidate])
        np.testing.assert_allclose(losses[candidate], exact, rtol=1e-3)
    assert integers.min() >= LOW and integers.max() <= HIGH
    np.testing.assert_array_equal(integers, np.rint(integers))


@pytest.mark.parametrize("inputs", [5, 40, 70])
def test_columns_beat_nearest(inputs: int) -> None:
    weight, hessian, scale = problem(inputs)
    nearest = np.rint(weight / scale[..., None])
    _, losses = round_columns(weight, hessian, scale[None], -8, 7)
    assert losses.sum() < 0.9 * loss(nearest, weight, hessian, scale).sum()


def test_independent_inputs_are_rounded_to_nearest() -> None:
    weight, _, scale = problem(9)
    integers, _ = round_columns(weight, np.diag(np.arange(1.0, 10.0))[None], scale[None], LOW, HIGH)
    np.testing.assert_array_equal(integers[0], np.rint(weight / scale[..., None]).clip(LOW, HIGH))


def test_descent_ends_where_no_single_integer_can_improve() -> None:
    weight, hessian, scale = problem(6)
    found = descend(np.zeros_like(weight), weight, hessian, scale, LOW, HIGH)
    least = loss(found, weight, hessian, scale)
    for output, column, value in product(range(3), range(6), range(LOW, HIGH + 1)):
        other = found.copy()
        other[0, output, column] = value
        assert loss(other, weight, hessian, scale)[0, output] >= least[0, output] - 1e-9


def test_descent_comes_close_to_the_best_of_all_integers() -> None:
    weight, hessian, scale = problem(6)
    everything = np.array(list(product(range(LOW, HIGH + 1), repeat=6)), np.float32)
    best = [loss(everything[None], weight[:, [i]], hessian, scale[:, [i]]).min() for i in range(3)]
    start, _ = round_columns(weight, hessian, scale[None], LOW, HIGH)
    found = loss(descend(start[0], weight, hessian, scale, LOW, HIGH), weight, hessian, scale)[0]
    assert (found >= np.array(best) - 1e-6).all()
    assert found.sum() <= 1.5 * sum(best)


def test_refitted_scale_is_the_minimum() -> None:
    weight, hessian, scale = problem(8)
    integers = np.rint(weight / scale[..., None]).clip(LOW, HIGH)
    fitted = refit_scale(integers, weight, hessian, scale, shared=False)
    least = loss(integers, weight, hessian, fitted)
    for factor in (0.99, 1.01):
        assert (loss(integers, weight, hessian, factor * fitted) > least).all()


def test_shared_scale_is_one_scale() -> None:
    weight, hessian, scale = problem(8)
    integers = np.rint(weight / scale[..., None]).clip(LOW, HIGH)
    fitted = refit_scale(integers, weight, hessian, scale, shared=True)
    assert np.unique(fitted).size == 1
    least = loss(integers, weight, hessian, fitted).sum()
    assert all(loss(integers, weight, hessian, factor * fitted).sum() > least for factor in (0.99, 1.01))


def test_output_without_weights_keeps_its_scale() -> None:
    weight, hessian, scale = problem(4)
    np.testing.assert_array_equal(refit_scale(0 * weight, weight, hessian, scale, shared=False), scale)


def test_damping_makes_a_singular_hessian_invertible() -> None:
    assert np.linalg.cond(damped(np.ones((1, 5, 5)), 0.01)[0]) < 1e4
    assert np.linalg.cond(damped(np.zeros((1, 5, 5)), 0.01)[0]) == 1
