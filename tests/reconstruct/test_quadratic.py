"""Rounding in the metric of a quadratic form, against search through all integers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from edgeq.reconstruct.columns import Rounding, round_columns
from edgeq.reconstruct.descent import descend
from edgeq.reconstruct.quadratic import Points, Quadratic, damped
from edgeq.reconstruct.together import improve_together

LOW, HIGH = LIMITS = (-2, 1)


def problem(inputs: int, *, limits: tuple[int, int] = LIMITS, shared: bool = False) -> Quadratic:
    """Three outputs, with a strongly coupled Hessian."""
    rng = np.random.default_rng(0)
    root = rng.standard_normal((1, inputs, inputs))
    hessian = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(inputs)
    return Quadratic(rng.standard_normal((1, 3, inputs)), hessian, np.zeros((1, 3)), limits, shared)


def within(limits: tuple[int, int]) -> Rounding:
    """Rounding to nearest, clipped."""
    return lambda steps, _: np.rint(steps).clip(*limits)


def nearest(quadratic: Quadratic, scale: float = 0.8) -> Points:
    return Points(np.rint(quadratic.weight / scale).clip(*quadratic.limits)[None], np.full((1, 1, 3), scale))


def best_integers(quadratic: Quadratic, scale: np.ndarray) -> np.ndarray:
    """The least loss of each output over all integers: (outputs,)."""
    inputs = quadratic.weight.shape[-1]
    everything = np.array(list(product(range(LOW, HIGH + 1), repeat=inputs)), float)
    losses = []
    for output in range(3):
        difference = everything * scale[0, output] - quadratic.weight[0, output]
        losses.append(((difference @ quadratic.hessian[0]) * difference).sum(axis=1).min())
    return np.array(losses)


def test_loss_is_the_quadratic_form() -> None:
    quadratic = problem(4)
    point = nearest(quadratic)
    difference = (point.integers * point.scale[..., None] - quadratic.weight)[0, 0, 1]
    assert np.isclose(quadratic.loss(point)[0, 0, 1], difference @ quadratic.hessian[0] @ difference)


def test_columns_report_the_loss_they_make() -> None:
    quadratic = problem(40)
    scales = np.full((2, 1, 3), 0.8, np.float32) * np.array([1, 1.3], np.float32)[:, None, None]
    integers, losses = round_columns(quadratic.weight.astype(np.float32), quadratic.hessian, scales, within(LIMITS))
    np.testing.assert_allclose(losses, quadratic.loss(Points(integers, scales)), rtol=1e-3)
    assert integers.min() >= LOW and integers.max() <= HIGH
    np.testing.assert_array_equal(integers, np.rint(integers))


@pytest.mark.parametrize("inputs", [5, 40, 70])
def test_columns_beat_nearest(inputs: int) -> None:
    quadratic = problem(inputs, limits=(-8, 7))
    scale = np.full((1, 1, 3), 0.8, np.float32)
    _, losses = round_columns(quadratic.weight.astype(np.float32), quadratic.hessian, scale, within((-8, 7)))
    assert losses.sum() < 0.9 * quadratic.loss(nearest(quadratic)).sum()


def test_columns_round_independent_inputs_to_nearest() -> None:
    weight = problem(9).weight.astype(np.float32)
    hessian, scale = np.diag(np.arange(1.0, 10.0))[None], np.full((1, 1, 3), 0.8, np.float32)
    integers, _ = round_columns(weight, hessian, scale, within(LIMITS))
    np.testing.assert_array_equal(integers[0], np.rint(weight / np.float32(0.8)).clip(*LIMITS))


def plain_descent(quadratic: Quadratic, integers: np.ndarray, scale: float) -> np.ndarray:
    """The integers of one output after three sweeps, one integer at a time."""
    weight, hessian, integers = quadratic.weight[0, 0], quadratic.hessian[0], integers.copy()
    for j in list(range(len(integers))) * 3:
        slope = (integers * scale - weight) @ hessian[j]
        integers[j] = np.rint(integers[j] - slope / (hessian[j, j] * scale)).clip(*quadratic.limits)
    return integers


def test_descent_is_one_integer_after_the_other() -> None:
    quadratic = problem(70)
    starts = np.random.default_rng(1).integers(LOW, HIGH + 1, (2, 1, 3, 70)).astype(float)
    found = descend(quadratic.weight, quadratic.hessian, starts, np.full((2, 1, 3, 1), 0.8), LIMITS)
    for start, end in zip(starts, found, strict=True):
        np.testing.assert_array_equal(end[0, 0], plain_descent(quadratic, start[0, 0], 0.8))


def test_descent_ends_where_no_single_integer_can_improve() -> None:
    quadratic = problem(6)
    scale = np.full((1, 1, 3), 0.8)
    found = Points(
        descend(quadratic.weight, quadratic.hessian, np.zeros((1, 1, 3, 6)), scale[..., None], LIMITS), scale
    )
    least = quadratic.loss(found)
    for output, column, value in product(range(3), range(6), range(LOW, HIGH + 1)):
        other = found.integers.copy()
        other[..., output, column] = value
        assert quadratic.loss(Points(other, scale))[0, 0, output] >= least[0, 0, output] - 1e-9


def test_search_finds_what_exhaustive_search_finds() -> None:
    quadratic = problem(6)
    start = quadratic.improve(nearest(quadratic))
    found = quadratic.search(start, 30, np.random.default_rng(0))
    assert (quadratic.loss(found) <= quadratic.loss(start)).all()
    np.testing.assert_allclose(quadratic.loss(found)[0, 0], best_integers(quadratic, found.scale[0]), rtol=1e-6)


def test_fitted_scale_is_the_minimum() -> None:
    quadratic = problem(8)
    integers = nearest(quadratic).integers
    scale = quadratic.fitted_scale(nearest(quadratic))
    least = quadratic.loss(Points(integers, scale))
    for factor in (0.99, 1.01):
        assert (quadratic.loss(Points(integers, factor * scale)) > least).all()


def test_shared_scale_is_one_scale() -> None:
    quadratic = problem(8, shared=True)
    integers = nearest(quadratic).integers
    scale = quadratic.fitted_scale(nearest(quadratic))
    assert np.unique(scale).size == 1
    least = quadratic.loss(Points(integers, scale)).sum()
    assert all(quadratic.loss(Points(integers, factor * scale)).sum() > least for factor in (0.99, 1.01))
    searched = quadratic.search(Points(integers, scale), 5, np.random.default_rng(0))
    assert np.unique(searched.scale).size == 1


def test_output_without_weights_keeps_its_scale() -> None:
    quadratic = problem(4)
    point = Points(np.zeros((1, 1, 3, 4)), np.full((1, 1, 3), 0.3))
    np.testing.assert_array_equal(quadratic.fitted_scale(point), point.scale)


def test_damping_makes_a_singular_hessian_invertible() -> None:
    assert np.linalg.cond(damped(np.ones((1, 5, 5)), 0.01)[0]) < 1e4
    assert np.linalg.cond(damped(np.zeros((1, 5, 5)), 0.01)[0]) == 1


def coupled_loss(quadratic: Quadratic, coupling: np.ndarray, points: Points) -> float:
    error = points.integers[0] * points.scale[0][..., None] - quadratic.weight
    return float(np.einsum("gop,goi,gij,gpj->", coupling, error, quadratic.hessian, error))


@pytest.mark.parametrize("inputs", [4, 40])
def test_errors_of_coupled_outputs_cancel(inputs: int) -> None:
    """The network sees the sum of three outputs and hardly their differences."""
    quadratic = problem(inputs)
    coupling = np.ones((1, 3, 3)) + 0.05 * np.eye(3)
    alone = quadratic.improve(nearest(quadratic))
    together = improve_together(quadratic, coupling, alone)
    assert coupled_loss(quadratic, coupling, together) < 0.7 * coupled_loss(quadratic, coupling, alone)
    np.testing.assert_array_equal(together.integers, np.rint(together.integers).clip(*LIMITS))
    assert (together.scale > 0).all()


def test_uncoupled_outputs_stay_at_their_best() -> None:
    quadratic = problem(6)
    alone = quadratic.improve(nearest(quadratic))
    together = improve_together(quadratic, np.eye(3)[None], alone)
    assert (quadratic.loss(together) <= quadratic.loss(alone) + 1e-9).all()


def test_one_scale_for_all_or_one_output_declines() -> None:
    shared = problem(6, shared=True)
    start = nearest(shared)
    assert improve_together(shared, np.eye(3)[None], start) is start
    assert improve_together(problem(6), np.ones((1, 1, 1)), start) is start
