"""Operators that go through a sequence step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from edgeq.program.ops.base import Op, Requantize


@dataclass(frozen=True, eq=False)
class Recurrent(Op):
    """LSTM or GRU over a sequence: x (steps, inputs), y (steps, hidden), from states of zeros; docs/NUMERICS.md.

    The sums of a gate are W x and R h, each scaled to steps of 2^-11 by its own multiplier, and a bias in such steps.

    Attributes:
        cell: Its gates are, in ONNX's order, i o f c of an LSTM, z r h of a GRU.
        reverse: It goes from the last step to the first.
        weight: W, int8 (gates * hidden, inputs).
        recurrence: R, int8 (gates * hidden, hidden).
        multiplier, left: Of W x: int32 (gates * hidden,), and the exact shift before it.
        recurrence_multiplier: Of R h: int32 (gates * hidden,).
        bias: int32 (gates * hidden,): both biases, and what the zero point of x makes of W.
        hidden_bias: int32 (hidden,): of a GRU, what is added to R h of the gate h before the gate r scales it.
        requantize: From h in steps of 2^-15 to y.
    """

    kind: ClassVar[str] = "recurrent"

    x: str
    cell: Literal["lstm", "gru"]
    reverse: bool
    steps: int
    weight: np.ndarray
    recurrence: np.ndarray
    multiplier: np.ndarray
    left: int
    recurrence_multiplier: np.ndarray
    bias: np.ndarray
    hidden_bias: np.ndarray
    requantize: Requantize

    @property
    def hidden(self) -> int:
        """Length of the state."""
        return int(self.recurrence.shape[1])

    @property
    def macs(self) -> int:
        return self.steps * int(self.weight.size + self.recurrence.size)
