"""Grids of weights: their levels, and how well they fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.quant.grids import (
    EXPONENTS,
    FAMILIES,
    Codebook,
    fit,
    fit_best,
    minifloat,
    power_exponent,
    powers_of_two,
    sums_of_two_powers,
    uniform,
)

WIDTHS = (2, 3, 4, 6, 8)


def rows_of(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bits", WIDTHS)
def test_a_grid_has_no_more_levels_than_its_bits_tell_apart(family: str, bits: int) -> None:
    for codebook in FAMILIES[family](bits):
        assert 3 <= len(codebook.levels) <= 1 << bits
        assert 0 in codebook.levels
        assert np.abs(codebook.levels).max() == 1
        assert (np.diff(codebook.levels) > 0).all()


@pytest.mark.parametrize(
    ("codebook", "magnitudes"),
    [
        (minifloat(2, 1), [0, 0.5, 1, 1.5, 2, 3, 4, 6]),
        (minifloat(1, 2), [0, 1, 2, 3, 4, 5, 6, 7]),
        (powers_of_two(4), [0, 1, 2, 4, 8, 16, 32, 64]),
        (sums_of_two_powers(5), [first + second for first in (0, 2, 8, 32) for second in (0, 1, 4, 16)]),
        (power_exponent(3, 0.5), [0, 1, 4, 9]),
    ],
)
def test_levels_are_those_of_the_definition(codebook: Codebook, magnitudes: list[float]) -> None:
    known = np.unique(magnitudes) / max(magnitudes)
    np.testing.assert_allclose(codebook.levels, np.concatenate([-known[:0:-1], known]))


@given(st.sampled_from([book for family in FAMILIES.values() for book in family(4)]), st.integers(0, 99))
def test_the_nearest_level_is_the_nearest(codebook: Codebook, seed: int) -> None:
    values = rows_of((3, 7), seed)
    distance = np.abs(values[..., None] - codebook.levels).min(axis=-1)
    np.testing.assert_allclose(np.abs(codebook.nearest(values) - values), distance, atol=1e-12)


@pytest.mark.parametrize("codebook", [uniform(4), powers_of_two(4), minifloat(3, 2), power_exponent(4, 0.5)])
def test_rows_on_a_grid_stay_there(codebook: Codebook) -> None:
    scales = np.array([[0.01], [3.0], [700.0]])
    rows = np.random.default_rng(1).permuted(np.tile(codebook.levels, (3, 1)), axis=1) * scales
    np.testing.assert_allclose(fit(rows, codebook), rows, rtol=1e-9, atol=1e-12)


def test_a_row_of_zeros_has_no_scale() -> None:
    np.testing.assert_array_equal(fit(np.zeros((2, 5)), uniform(4)), np.zeros((2, 5)))


def test_a_searched_scale_is_better_than_the_largest_weight() -> None:
    rows, codebook = rows_of((8, 200)), uniform(4)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    clipped_nowhere = codebook.nearest(rows / largest) * largest
    assert np.square(fit(rows, codebook) - rows).sum() < 0.9 * np.square(clipped_nowhere - rows).sum()


def test_the_family_takes_the_exponent_of_the_weights() -> None:
    normal, even = rows_of((4, 500)), np.tile(np.linspace(-1, 1, 501), (4, 1))
    powers = FAMILIES["power"](4)
    assert fit_best(normal, powers)[1].name != powers[-1].name
    assert fit_best(even, powers)[1].name == f"power {EXPONENTS[-1]:.2f}"


def test_which_grid_wins_depends_on_the_weights() -> None:
    heavy, even = np.random.default_rng(0).laplace(size=(4, 500)), np.tile(np.linspace(-1, 1, 501), (4, 1))
    errors = {
        (name, kind): np.square(fit_best(rows, FAMILIES[name](4))[0] - rows).sum()
        for kind, rows in (("heavy", heavy), ("even", even))
        for name in FAMILIES
    }
    assert errors["minifloat", "heavy"] < 0.9 * errors["integer", "heavy"]
    assert errors["integer", "even"] < 0.2 * errors["log2", "even"]
