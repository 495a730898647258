"""Fixed positions along an axis become slices."""

from __future__ import annotations

import numpy as np
import pytest
from frontend.graphs import apply, ops, parse

from edgeq.passes.lower_gather import LowerGather


@pytest.mark.parametrize(
    ("positions", "shape", "expected"),
    [
        (np.array(0), "2,4", ["Slice", "Squeeze"]),
        (np.array(-1), "2,4", ["Slice", "Squeeze"]),
        (np.array([2]), "2,1,4", ["Slice"]),
        (np.array([1, 3, 5]), "2,3,4", ["Slice"]),
        (np.array([3, 1]), "2,2,4", ["Gather"]),
        (np.array([0, 1, 3]), "2,3,4", ["Gather"]),
    ],
)
def test_even_spacing_is_a_slice(positions: np.ndarray, shape: str, expected: list[str]) -> None:
    text = f"g (float[2,6,4] x) => (float[{shape}] y) {{ y = Gather<axis = 1>(x, positions) }}"
    assert ops(apply(parse(text, {"positions": positions.astype(np.int64)}), LowerGather())) == expected


def test_computed_positions_stay() -> None:
    model = parse("g (float[6,4] x, int64[2] positions) => (float[2,4] y) { y = Gather(x, positions) }")
    assert not LowerGather()(model).modified
