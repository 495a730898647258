"""Recurrent cells in integers (docs/NUMERICS.md, "LSTM and GRU"): gates and cell states of 16 bits."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from edgeq.quant.fixed_point import multiply_high, round_half_up, rounding_shift_right, to_multiplier
from edgeq.quant.qparams import QuantParams
from edgeq.quant.tables import interpolate, interpolation_table

GATE = QuantParams(2.0**-11, 0, 16)
"""Sums of gates, and the state c of an LSTM: -16..16."""
STATE = QuantParams(2.0**-15, 0, 16)
"""Gates behind their function, and the state h: -1..1."""
TABLE_SHIFT = 7
PRODUCT_SHIFT = 4
"""From the product of two gates to that of a gate and c."""
SUM_LIMIT = 512
"""Elements of a sum of products of int16 and int8, exclusive, that surely fits int32."""
GATES = {"lstm": 4, "gru": 3}


class GateCoefficients(NamedTuple):
    """The constants of all gates, by the names of the fields of `ops.Recurrent`."""

    multiplier: np.ndarray
    left: int
    recurrence_multiplier: np.ndarray
    bias: np.ndarray
    hidden_bias: np.ndarray


@cache
def sigmoid_table() -> np.ndarray:
    """Nodes of the sigmoid of a gate's sum."""
    return interpolation_table(lambda v: 1 / (1 + np.exp(-v)), GATE, STATE)


@cache
def tanh_table() -> np.ndarray:
    """Nodes of the hyperbolic tangent of a gate's sum, or of c."""
    return interpolation_table(np.tanh, GATE, STATE)


def gate_coefficients(
    cell: str,
    weight: np.ndarray,
    scales: tuple[np.ndarray, np.ndarray],
    biases: np.ndarray,
    x: QuantParams,
) -> GateCoefficients:
    """The constants of a cell.

    Args:
        weight: W, int8 (gates * hidden, inputs).
        scales: Of the rows of W and of R, float64 (gates * hidden,).
        biases: Of W x and of R h, float64 (2, gates * hidden).
        x: Of the input.
    """
    real, recurrent = x.scale * scales[0] / GATE.scale, STATE.scale * scales[1] / GATE.scale
    apart = np.zeros_like(biases[1])
    if cell == "gru":
        hidden = len(biases[1]) // GATES[cell]
        apart[-hidden:] = biases[1][-hidden:]
    folded = (biases[0] + biases[1] - apart) / GATE.scale - x.zero_point * weight.astype(np.int64).sum(axis=1) * real
    multiplier, left = to_multiplier(real)
    recurrence_multiplier, _ = to_multiplier(np.append(recurrent, 0.25))  # far below one half: no shift
    kept = apart[-(len(apart) // GATES[cell]) :] / GATE.scale
    bias, hidden_bias = (round_half_up(array).astype(np.int32) for array in (folded, kept))
    return GateCoefficients(multiplier, left, recurrence_multiplier[:-1], bias, hidden_bias)


def clip16(value: np.ndarray) -> np.ndarray:
    """Saturated to int16."""
    return value.clip(-(1 << 15), (1 << 15) - 1)


def sigmoid(gate: np.ndarray) -> np.ndarray:
    """Of a gate's sum, in steps of the state."""
    return clip16(interpolate(gate, sigmoid_table(), TABLE_SHIFT))


def tanh(gate: np.ndarray) -> np.ndarray:
    """Of a gate's sum or of c, in steps of the state."""
    return clip16(interpolate(gate, tanh_table(), TABLE_SHIFT))


def lstm_step(gates: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """h and c after a step, from the sums of the gates (..., 4 * hidden) and c (..., hidden)."""
    i, o, f, g = np.split(clip16(gates), 4, axis=-1)
    update = rounding_shift_right(sigmoid(i) * tanh(g), PRODUCT_SHIFT)
    c = clip16(rounding_shift_right(sigmoid(f) * c + update, 15))
    return clip16(rounding_shift_right(sigmoid(o) * tanh(c), 15)), c


def gru_step(inputs: np.ndarray, recurrent: np.ndarray, hidden_bias: np.ndarray, h: np.ndarray) -> np.ndarray:
    """h after a step.

    Args:
        inputs: W x with its bias, recurrent: R h; int64 (..., 3 * hidden), in steps of a gate.
        hidden_bias: (hidden,).
        h: (..., hidden).
    """
    (xz, xr, xh), (hz, hr, hh) = (np.split(part, 3, axis=-1) for part in (inputs, recurrent))
    z, r = sigmoid(clip16(xz + hz)), sigmoid(clip16(xr + hr))
    scaled = rounding_shift_right(r * clip16(hh + hidden_bias), 15)
    candidate = tanh(clip16(clip16(xh) + scaled))
    return clip16(candidate + rounding_shift_right(z * (h - candidate), 15))


def gate_sums(acc: np.ndarray, multiplier: np.ndarray, left: int = 0) -> np.ndarray:
    """Accumulators (..., gates * hidden) in steps of a gate."""
    return multiply_high(acc << left, multiplier)
