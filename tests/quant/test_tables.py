"""Interpolated tables keep the bound that docs/NUMERICS.md states."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from edgeq.program.ops import Interpolate
from edgeq.program.semantics import execute
from edgeq.quant.qparams import QuantParams
from edgeq.quant.tables import interpolation_table

ALL = np.arange(-(2**15), 2**15).astype(np.int16)
SMOOTH = {
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 0.0963),
    "tanh": (np.tanh, 0.7699),
    "gelu": (lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))), 0.7979),
    "sine": (np.sin, 1.0),
}
"""Function, and the largest magnitude of its second derivative."""


def interpolated(function, x: QuantParams, y: QuantParams) -> np.ndarray:
    table = interpolation_table(function, x, y)
    memory = {"x": ALL[None], "y": np.zeros((1, ALL.size), np.int16 if y.bits == 16 else np.int8)}
    execute(Interpolate("f", "y", "x", table, 23 - y.bits, y.qmin, y.qmax), memory)
    return memory["y"][0]


@pytest.mark.parametrize("bits", [4, 8, 16])
@pytest.mark.parametrize("reach", [1.0, 8.0])
@pytest.mark.parametrize("name", SMOOTH)
def test_error_is_within_the_stated_bound(name: str, reach: float, bits: int) -> None:
    function, curvature = SMOOTH[name]
    x = QuantParams.from_range(-reach, reach, bits=16, scheme="symmetric")
    real = x.dequantize(ALL).astype(np.float64)
    y = QuantParams.from_range(
        function(real).min(), function(real).max(), bits=bits, scheme="symmetric" if bits == 16 else "asymmetric"
    )
    exact = np.clip(function(real) / y.scale + y.zero_point, y.qmin, y.qmax)
    bound = 1 + (128 * x.scale) ** 2 / 8 * curvature / y.scale
    assert np.abs(interpolated(function, x, y) - exact).max() <= bound


def test_saturation_is_exact() -> None:
    x = QuantParams.from_range(-1.0, 1.0, bits=16, scheme="symmetric")
    y = QuantParams.from_range(-0.1003, 0.1003, bits=16, scheme="symmetric")
    exact = np.clip(ALL * (x.scale / y.scale), y.qmin, y.qmax)
    assert np.abs(interpolated(lambda v: v, x, y) - exact).max() <= 1


def test_kinks() -> None:
    x = QuantParams.from_range(-1.0, 1.0, bits=16, scheme="symmetric")
    np.testing.assert_array_equal(interpolated(np.abs, x, x)[1:], np.abs(ALL[1:]), "zero is a node")
    off_node = 3.3 * 128 * x.scale
    ramp = interpolated(lambda v: np.maximum(v - off_node, 0), x, x)
    exact = np.maximum(ALL * x.scale - off_node, 0) / x.scale
    assert 1 < np.abs(ramp - exact).max() <= 1 + 32
