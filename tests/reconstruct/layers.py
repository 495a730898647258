"""Small layers to quantize."""

from __future__ import annotations

import numpy as np

from edgeq.reconstruct.layer import Layer, Solution


def linear_layer(
    *,
    bits: int = 4,
    groups: int = 1,
    outputs: int = 6,
    inputs: int = 12,
    rows: int = 400,
    shared: bool = False,
    has_bias: bool = True,
    noise: float = 0.05,
) -> Layer:
    """A layer with correlated, shifted inputs, of which the quantized network gives a noisy version."""
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((inputs, inputs)) * np.exp(rng.standard_normal(inputs))
    exact = (rng.standard_normal((groups, rows, inputs)) @ mix + 2).astype(np.float32)
    x = exact + noise * rng.standard_normal(exact.shape).astype(np.float32) * exact.std(axis=1, keepdims=True)
    weight = rng.standard_normal((groups, outputs, inputs)).astype(np.float32)
    bias = rng.standard_normal((groups, outputs)).astype(np.float32) if has_bias else np.zeros((groups, outputs))
    limits = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    largest = np.abs(weight).max(axis=-1)
    scale = (np.full_like(largest, largest.max()) if shared else largest) / np.float32(limits[1])
    return Layer(
        name="layer",
        x=x,
        target=exact @ weight.transpose(0, 2, 1) + bias[:, None].astype(np.float32),
        held=np.arange(rows) % 5 == 0,
        weight=weight,
        present=Solution(np.rint(weight / scale[..., None]).clip(*limits), scale, bias),
        has_bias=has_bias,
        floor=np.zeros_like(scale),
        shared=shared,
        limits=limits,
    )
