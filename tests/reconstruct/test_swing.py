"""Random shifts in front of strided convolutions."""

from __future__ import annotations

from functools import partial

import numpy as np

from edgeq.reconstruct.block import Block, Operation
from edgeq.reconstruct.rows import Window
from edgeq.reconstruct.swing import swing
from edgeq.reconstruct.vjp import add, convolve

RNG = np.random.default_rng(0)
STRIDED = Window((1, 1), (2, 2), (1, 1), (0, 0, 0, 0))
OPERATIONS = [
    Operation(("x", "w", "b"), "first", partial(convolve, window=STRIDED)),
    Operation(("x", "w", "b"), "second", partial(convolve, window=STRIDED)),
    Operation(("first", "second"), "sum", add),
]
VALUES = {
    "x": RNG.standard_normal((1, 2, 6, 6, 3)).astype(np.float32),
    "w": RNG.standard_normal((1, 4, 2)).astype(np.float32),
    "b": np.zeros((1, 4), np.float32),
}


def _gradient(block: Block) -> np.ndarray:
    return block.differentiate(VALUES, np.ones_like)["x"]


def test_elements_that_a_stride_skips_get_gradients_in_time() -> None:
    plain = _gradient(Block(OPERATIONS)) != 0
    assert plain.mean() == 0.25
    strides = {"first": (2, 2), "second": (2, 2)}
    seen = [_gradient(Block(list(swing(OPERATIONS, strides, RNG)))) != 0 for _ in range(40)]
    assert np.any(seen, axis=0).all()
    assert all(found.mean() == 0.25 for found in seen), "both branches are shifted alike"


def test_nothing_is_shifted_without_strides() -> None:
    assert list(swing(OPERATIONS, {}, RNG)) == OPERATIONS
