"""Normalization of rows in integers against float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.quant.normalization import inverse_root, layer_norm_coefficients, normalized, spread_fraction
from edgeq.quant.qparams import QuantParams


def test_inverse_root_is_right_to_25_bits() -> None:
    v = np.concatenate([[1 << 28, (1 << 30) - 1], np.random.default_rng(0).integers(1 << 28, 1 << 30, 100_000)])
    exact = 2.0**29 / np.sqrt(v / 2.0**30)
    assert np.abs(inverse_root(v) / exact - 1).max() < 2.0**-25
    assert inverse_root(v).max() < 1 << 30


@given(
    st.integers(1, 1 << 14).map(lambda n: min(n, (1 << 14) - 1)),
    st.sampled_from([8, 16]),
    st.floats(0, 1),
    st.integers(0, 2**32),
)
def test_normalized_is_right_to_one_unit(n: int, bits: int, spread: float, seed: int) -> None:
    rng, limit = np.random.default_rng(seed), 1 << (bits - 1)
    x = (
        np.round(rng.uniform(-limit, limit) + rng.normal(size=n) * spread * limit)
        .clip(-limit, limit - 1)
        .astype(np.int64)
    )
    fraction, epsilon = spread_fraction(n, bits), int(rng.integers(1, 1 << 40))
    distance = n * x - x.sum()
    exact = distance / np.sqrt(float((distance * x).sum()) + epsilon / 4.0**fraction) * 2.0**16
    assert np.abs(normalized(x, fraction, epsilon) - exact).max() <= 1 + np.abs(exact).max() * 2.0**-23


def test_an_output_scale_without_room_is_refused() -> None:
    x, y = QuantParams(0.125, 0, 8), QuantParams(2.0**-40, 0, 8)
    with pytest.raises(OverflowError, match="output scale"):
        layer_norm_coefficients(np.ones(4), np.zeros(4), 1e-5, x, y)
