"""The task that every rounding method solves: integers, scales and biases that reproduce a layer's float output."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

CHUNK = 1 << 11
"""Rows whose moments are taken at once."""


@dataclass(frozen=True, eq=False)
class Solution:
    """A quantized layer: weight = integers * scale.

    Attributes:
        integers: float32 of integers, (groups, outputs, inputs).
        scale: float32, (groups, outputs).
        bias: float32, (groups, outputs).
    """

    integers: np.ndarray
    scale: np.ndarray
    bias: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """float32, (groups, outputs, inputs)."""
        return self.integers * self.scale[..., None]


@dataclass(frozen=True, eq=False)
class Moments:
    """Second moments of some rows; centred, where a bias can take up the means.

    Attributes:
        hessian: E[x x^T], float64, (groups, inputs, inputs).
        cross: E[t x^T] of the target, float64, (groups, outputs, inputs).
    """

    hessian: np.ndarray
    cross: np.ndarray


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How much a change D of the weights changes the network's outputs: tr(G D A D^T) in the square, up to a factor.

    Attributes:
        outputs: G, float64, (groups, outputs, outputs).
        inputs: A, float64, (groups, inputs, inputs).
    """

    outputs: np.ndarray
    inputs: np.ndarray

    def __add__(self, other: Sensitivity) -> Sensitivity:
        return Sensitivity(self.outputs + other.outputs, self.inputs + other.inputs)


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer with weights, its inputs as the quantized network gives them, and what it should compute.

    Attributes:
        name: For people.
        x: float32, (groups, rows, inputs).
        target: float32, (groups, rows, outputs), before the fused activation.
        held: bool, (rows,): rows kept back, to judge solutions by.
        weight: Of the float network, float32, (groups, outputs, inputs).
        present: What the quantized network has now.
        has_bias: Whether the layer can have a bias.
        floor: Least scales, float32, (groups, outputs).
        shared: Whether all outputs have one scale.
        limits: Of the integers.
        clip: Limits of the activation that the output runs into.
        offset: What is added to the output in front of that activation, float32, (groups, rows, outputs); None for
            nothing.
        taps: Positions of the kernel: inputs are those of each channel at all of them.
        sensitivity: Of the network's outputs to the weights; None where only the layer's own output counts.
    """

    name: str
    x: np.ndarray
    target: np.ndarray
    held: np.ndarray
    weight: np.ndarray
    present: Solution
    has_bias: bool
    floor: np.ndarray
    shared: bool
    limits: tuple[int, int]
    clip: tuple[float, float] = (-np.inf, np.inf)
    offset: np.ndarray | None = None
    taps: int = 1
    sensitivity: Sensitivity | None = None

    @property
    def groups(self) -> int:
        """Groups of a convolution."""
        return len(self.weight)

    @property
    def channels(self) -> int:
        """Input channels of a group."""
        return self.weight.shape[-1] // self.taps

    @cached_property
    def everything(self) -> np.ndarray:
        """The mask of all rows."""
        return np.ones_like(self.held)

    @cached_property
    def fit_moments(self) -> Moments:
        """Of the rows that are not held out."""
        return self._moments(~self.held)

    @cached_property
    def all_moments(self) -> Moments:
        """Of all rows."""
        return self._moments(self.everything)

    def _moments(self, rows: np.ndarray) -> Moments:
        means = [np.mean(part, axis=1, keepdims=True, where=rows[:, None]) for part in (self.x, self.target)]
        inputs, outputs = self.weight.shape[-1], self.weight.shape[-2]
        hessian, cross = (np.zeros((self.groups, n, inputs)) for n in (inputs, outputs))
        chosen = np.flatnonzero(rows)
        for first in range(0, len(chosen), CHUNK):  # not all at once: a copy of the rows takes as much as they do
            x, target = (part[:, chosen[first : first + CHUNK]] for part in (self.x, self.target))
            if self.has_bias:
                x, target = x - means[0], target - means[1]
            hessian += x.transpose(0, 2, 1) @ x
            cross += target.transpose(0, 2, 1) @ x
        return Moments(hessian / len(chosen), cross / len(chosen))

    def solution(self, integers: np.ndarray, scale: np.ndarray, rows: np.ndarray) -> Solution:
        """Integers and scales with the bias that makes the mean error over the rows of a mask zero."""
        scale, integers = scale.astype(np.float32), integers.astype(np.float32)
        if not self.has_bias:
            return Solution(integers, scale, np.zeros_like(scale))
        x, target = (np.mean(part, axis=1, where=rows[:, None]) for part in (self.x, self.target))
        reached = np.einsum("gok,gk->go", integers * scale[..., None], x)
        return Solution(integers, scale, target - reached)

    def loss(self, solution: Solution, rows: np.ndarray) -> float:
        """Mean square error behind the activation, over the rows of a mask."""
        return float(self.losses(solution, rows).mean())

    def losses(self, solution: Solution, rows: np.ndarray) -> np.ndarray:
        """The same of each output, (groups, outputs)."""
        y = self.x[:, rows] @ solution.weight.transpose(0, 2, 1) + solution.bias[:, None]
        error = self.activated(y, rows) - self.activated(self.target[:, rows], rows)
        return np.square(error, dtype=np.float64).mean(axis=1)

    def activated(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """What the activation makes of outputs, (groups, rows, outputs), in some rows."""
        return np.clip(self._added(y, rows), *self.clip)

    def passes(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Where the activation lets changes of the outputs through: bool, (groups, rows, outputs)."""
        added = self._added(y, rows)
        return (added > self.clip[0]) & (added < self.clip[1])

    def _added(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return y if self.offset is None else y + self.offset[:, rows]
