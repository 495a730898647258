"""Recurrent cells in integers against float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.quant.recurrent import GATE, GATES, STATE, gru_step, lstm_step, sigmoid, tanh


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_functions_of_gates_are_right_to_13_steps() -> None:
    gates = np.arange(-(1 << 15), 1 << 15)
    for function, exact in ((sigmoid, _sigmoid), (tanh, np.tanh)):
        assert np.abs(function(gates) - exact(gates * GATE.scale) / STATE.scale).max() < 13.5


@given(st.integers(0, 2**32), st.floats(0.1, 4), st.sampled_from(sorted(GATES)))
def test_states_follow_float64_over_many_steps(seed: int, spread: float, cell: str) -> None:
    rng, steps, hidden = np.random.default_rng(seed), 30, 8
    inputs, weight = (
        rng.normal(0, spread, (steps, GATES[cell] * hidden)),
        rng.normal(0, 0.3, (GATES[cell] * hidden, hidden)),
    )
    bias = rng.normal(0, 1, hidden)
    h, c, exact_h, exact_c = np.zeros(hidden, np.int64), np.zeros(hidden, np.int64), np.zeros(hidden), np.zeros(hidden)
    for x in inputs:
        given_sums, recalled = _steps(x), _steps(weight @ (h * STATE.scale))
        if cell == "lstm":
            h, c = lstm_step(given_sums + recalled, c)
            exact_h, exact_c = _exact_lstm(x + weight @ exact_h, exact_c)
        else:
            h = gru_step(given_sums, recalled, _steps(bias), h)
            exact_h = _exact_gru(x, weight @ exact_h, bias, exact_h)
        assert np.abs(h * STATE.scale - exact_h).max() < 0.01


def _steps(real: np.ndarray) -> np.ndarray:
    return np.rint(real / GATE.scale).astype(np.int64)


def _exact_lstm(gates: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    i, o, f, g = np.split(gates, 4)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _exact_gru(x: np.ndarray, recalled: np.ndarray, bias: np.ndarray, h: np.ndarray) -> np.ndarray:
    (xz, xr, xh), (hz, hr, hh) = np.split(x, 3), np.split(recalled, 3)
    z, r = _sigmoid(xz + hz), _sigmoid(xr + hr)
    candidate = np.tanh(xh + r * (hh + bias))
    return candidate + z * (h - candidate)


@pytest.mark.parametrize("c", [(1 << 15) - 1, -(1 << 15)])
def test_a_cell_saturates(c: int) -> None:
    """Gates fully open, and a cell at its end: it stays there."""
    full = np.full(4, (1 << 15) - 1 if c > 0 else -(1 << 15))
    full[:3] = (1 << 15) - 1
    _, after = lstm_step(full, np.array([c]))
    assert after == pytest.approx(c, abs=2)
