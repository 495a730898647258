"""GPTQ onto 0 and powers of two."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.quant.grids import fit, powers_of_two
from edgeq.reconstruct.powers_of_two import PowersOfTwo

from .layers import linear_layer


@pytest.mark.parametrize(("bits", "largest"), [(8, 64), (4, 4), (2, 1)])
@pytest.mark.parametrize("shared", [False, True])
def test_integers_are_powers_of_two(bits: int, largest: int, shared: bool) -> None:
    solution = PowersOfTwo().solve(linear_layer(bits=bits, shared=shared, groups=2), everything=True)
    magnitudes = np.abs(solution.integers).astype(int)
    assert largest / 2 <= magnitudes.max() <= largest
    assert (magnitudes & (magnitudes - 1) == 0).all()
    assert not shared or len(np.unique(solution.scale)) == 1


def test_rounding_for_the_outputs_beats_rounding_to_nearest() -> None:
    layer = linear_layer(bits=8)
    solved = PowersOfTwo().solve(layer, everything=True)
    fitted = fit(layer.weight[0], powers_of_two(4))[None].astype(np.float32)
    nearest = layer.solution(fitted, np.ones_like(solved.scale), layer.everything)
    assert layer.loss(solved, layer.everything) < 0.5 * layer.loss(nearest, layer.everything)
