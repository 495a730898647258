"""Narrow codes with a factor for each block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.quant.blocks import common_scale, factored, largest_factor


@given(st.sampled_from([2, 4]), st.integers(0, 999))
def test_what_is_made_of_codes_and_factors_is_found_again(bits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (6, 8))
    rows = (codes * rng.integers(1, largest_factor(bits) + 1, (6, 1))).astype(np.int8)
    found = factored(rows)
    np.testing.assert_array_equal(found.codes * found.factors[:, None].astype(int), rows)
    assert found.bits <= bits
    assert found.codes.min() >= -(1 << (bits - 1))
    assert found.codes.max() < 1 << (bits - 1)


def test_other_weights_are_no_blocks() -> None:
    with pytest.raises(ValueError, match="narrow codes"):
        factored(np.array([[1, 100]], np.int8))


@given(st.lists(st.lists(st.integers(1, 127), min_size=3, max_size=3), min_size=1, max_size=4))
def test_float32_scales_of_blocks_give_back_their_factors(factors: list[list[int]]) -> None:
    wanted = np.array(factors) // np.gcd.reduce(np.array(factors), axis=1)[:, None]
    scale = np.float32(0.001) * np.arange(1, len(factors) + 1, dtype=np.float32)
    found, again = common_scale((wanted * scale[:, None]).astype(np.float32))
    np.testing.assert_array_equal(again, wanted)
    np.testing.assert_allclose(found, scale, rtol=1e-6)


def test_scales_without_a_common_one_are_refused() -> None:
    with pytest.raises(ValueError, match="times one scale per channel"):
        common_scale(np.array([[1.0, np.pi]]))
