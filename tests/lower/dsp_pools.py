"""Random operators without weights that the DSP family has kernels for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from lower.dsp_operators import requantize
from lower.operators import Case

from edgeq.program.ops import AveragePool, MaxPool, Softmax
from edgeq.program.program import Buffer
from edgeq.quant.tables import softmax_table


def random_average_pool(rng: np.random.Generator) -> Case:
    """Windows of one divisor, or of several where they leave the image."""
    x_shape, y_shape, kernel, places = _windows(rng, 256)
    scaled = replace(requantize(rng, int(rng.integers(1, 4))), negative=None)
    scaled = replace(scaled, multiplier=scaled.multiplier * np.int32(8), left=int(rng.integers(2)))
    counts = rng.integers(0, len(scaled.multiplier), y_shape[1:3]).astype(np.int32)
    zero_point = int(rng.integers(-128, 128))
    op = AveragePool("average", "y", "x", x_shape, y_shape, kernel, zero_point, scaled, counts, *places)
    return Case(op, {"x": Buffer("x", x_shape), "y": Buffer("y", y_shape)})


def random_max_pool(rng: np.random.Generator) -> Case:
    """With every form of limits."""
    x_shape, y_shape, kernel, places = _windows(rng, 1000)
    lo, hi = ((-128, 127), (-128, 100), (-5, 127), (-90, 90), (7, 7))[rng.integers(5)]
    op = MaxPool("max", "y", "x", x_shape, y_shape, kernel, lo, hi, *places)
    return Case(op, {"x": Buffer("x", x_shape), "y": Buffer("y", y_shape)})


def random_softmax(rng: np.random.Generator) -> Case:
    """A few rows of any length."""
    rows, n = int(rng.integers(1, 4)), int(rng.integers(4, 70))
    scaled = replace(requantize(rng, 1), multiplier=rng.integers(1 << 20, 1 << 27, 1).astype(np.int32))
    op = Softmax("softmax", "y", "x", rows, n, softmax_table(float(rng.uniform(0.001, 0.3))), scaled)
    return Case(op, {"x": Buffer("x", (rows, n)), "y": Buffer("y", (rows, n), int(rng.choice([8, 16])))})


POOLS = [random_average_pool, random_max_pool, random_softmax]


def _windows(rng: np.random.Generator, most: int) -> tuple[tuple, tuple, tuple[int, int], tuple]:
    """Shapes, kernel, and (strides, dilations, pads): global pooling, dilated windows and padded ones.

    Args:
        most: Taps of a window.
    """
    batch, c = int(rng.integers(1, 3)), int(rng.integers(4, 40))
    form = rng.choice(["global", "dilated", "padded", "padded"])
    if form == "global":
        kernel = int(rng.integers(1, 17)), int(rng.integers(1, most // 17))
        return (batch, *kernel, c), (batch, 1, 1, c), kernel, ((1, 1), (1, 1), (0, 0, 0, 0))
    kernel, strides = (tuple(map(int, rng.integers(1, 5, 2))) for _ in range(2))
    dilations = tuple(map(int, rng.integers(1, 4, 2))) if form == "dilated" else (1, 1)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = [int(rng.integers(0, r)) if form == "padded" else 0 for r in (*reach, *reach)]
    size = [int(rng.integers(max(1, r - pads[i] - pads[i + 2]), r + 8)) for i, r in enumerate(reach)]
    out = [(size[i] + pads[i] + pads[i + 2] - r) // strides[i] + 1 for i, r in enumerate(reach)]
    return (batch, *size, c), (batch, *out, c), kernel, (strides, dilations, tuple(pads))
