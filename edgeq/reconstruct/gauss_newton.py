"""Second-order rounding through the activation: rows that it cuts off anyway do not count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.method import Method
from edgeq.reconstruct.quadratic import Points, Quadratic, damped

LEAK = 0.1
"""Weight of rows that the activation cuts off: they may not come back."""

DAMPING = 0.001
"""Share of the mean diagonal that is added to a covariance."""

MAX_WORK = 1 << 34
"""Multiplications for the covariances of a layer; rows are left out above."""

ROWS_PER_INPUT = 4
"""Fewer rows, of which the activation leaves a part, say more about themselves than about the layer."""

CHUNK_NUMBERS = 1 << 22
"""Numbers in the covariances at one time: 32 MiB."""


@dataclass(frozen=True)
class GaussNewton:
    """Refines the integers, scales and biases of another method for the output behind the activation.

    Behind a ReLU most errors of outputs below zero vanish. Each output gets a quadratic form of its own, over the rows
    where its activation lets errors through, and in it weights are solved anew and rounded (`Quadratic`); what lessens
    the loss behind the activation is kept, output by output. Declines (returns the start) where there is no
    activation, no bias, one scale for all outputs, or where rows are few for so many inputs.

    Source: Gauss-Newton approximation of the loss behind the activation (Nocedal and Wright, "Numerical Optimization",
    2006, section 10.3), which is the asymmetric reconstruction of Nagel et al., "Up or Down? Adaptive Rounding for
    Post-Training Quantization", ICML 2020, section 4, equation 25.

    Attributes:
        start: Gives first integers and scales.
        ridge: Strength of the pull towards the float weights.
        rounds: So many quadratic forms, each where the last one led.
        restarts: Of the search in each of them (`Quadratic.search`), where all rows are fitted.
        seed: Of the search.
    """

    start: Method
    ridge: float = 0.1
    rounds: int = 2
    restarts: int = 10
    seed: int = 0

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        solution = self.start.solve(layer, everything=everything)
        rows, rng = layer.everything if everything else ~layer.held, np.random.default_rng(self.seed)
        few = min(rows.sum(), _most_rows(layer)) < ROWS_PER_INPUT * layer.weight.shape[-1]
        if few or layer.shared or not layer.has_bias or not np.isfinite(layer.clip).any():
            return solution
        restarts = self.restarts if everything else 0
        for _ in range(self.rounds):
            solution = _better(layer, rows, solution, self._refined(layer, rows, solution, restarts, rng))
        return solution

    def _refined(
        self, layer: Layer, rows: np.ndarray, solution: Solution, restarts: int, rng: np.random.Generator
    ) -> Solution:
        task = censored(layer, _affordable(layer, np.flatnonzero(rows), rng), solution)
        size = max(1, CHUNK_NUMBERS // layer.weight.shape[-1] ** 2)
        pairs = [(g, o) for g in range(layer.weight.shape[0]) for o in range(layer.weight.shape[1])]
        refined = Solution(solution.integers.copy(), solution.scale.copy(), solution.bias.copy())
        for first in range(0, len(pairs), size):
            index = tuple(np.array(pairs[first : first + size]).T)
            problem, x_mean, t_mean = self._problem(layer, task, index)
            begin = Points(solution.integers[index][None, :, None], solution.scale[index][None, :, None])
            found = problem.search(problem.improve(begin), restarts, rng)
            integers, scale = found.integers[0, :, 0], found.scale[0, :, 0]
            refined.integers[index], refined.scale[index] = integers, scale
            refined.bias[index] = t_mean - scale * (integers * x_mean).sum(axis=-1)
        return refined

    def _problem(
        self, layer: Layer, task: Censored, index: tuple[np.ndarray, ...]
    ) -> tuple[Quadratic, np.ndarray, np.ndarray]:
        """The quadratic forms of some outputs, and the weighted means of their inputs and targets."""
        anchor, floor = layer.weight[index][:, None].astype(np.float64), layer.floor[index][:, None]
        found = [task.moments(g, o) for g, o in zip(*index, strict=True)]
        hessian, cross, x_mean, t_mean = (np.stack(part) for part in zip(*found, strict=True))
        missing = cross[:, None] - anchor @ hessian
        solved = np.linalg.solve(damped(hessian, self.ridge), missing.transpose(0, 2, 1)).transpose(0, 2, 1)
        return Quadratic(anchor + solved, damped(hessian, DAMPING), floor, layer.limits, False), x_mean, t_mean


@dataclass(frozen=True, eq=False)
class Censored:
    """Rows of a layer, of which each output counts in full those where its activation lets errors through.

    Attributes:
        x: (groups, rows, inputs).
        target: Before the activation, (groups, rows, outputs).
        counts: bool, the same: rows of weight 1; the others weigh `LEAK`.
    """

    x: np.ndarray
    target: np.ndarray
    counts: np.ndarray

    @cached_property
    def _squares(self) -> np.ndarray:
        return self.x.transpose(0, 2, 1) @ self.x

    def moments(self, group: int, output: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Centred E[x x^T] and E[t x^T], and the means of x and t, float64, over the weighted rows of an output.

        What all outputs share is summed once; only the smaller part of the rows is multiplied for each of them.
        """
        x, target, counts = self.x[group], self.target[group, :, output], self.counts[group, :, output]
        share = np.where(counts, np.float32(1), np.float32(LEAK))
        total = share.sum(dtype=np.float64)
        fewer = 2 * counts.sum() <= len(counts)
        part = x[counts if fewer else ~counts]
        first, second = (LEAK, 1 - LEAK) if fewer else (1, LEAK - 1)
        squares = (first * self._squares[group] + second * (part.T @ part)).astype(np.float64) / total
        x_mean, t_mean = (share @ x) / total, np.asarray(share @ target / total)
        return squares - np.outer(x_mean, x_mean), (share * target) @ x / total - x_mean * t_mean, x_mean, t_mean


def censored(layer: Layer, rows: np.ndarray, solution: Solution) -> Censored:
    """The task as it stands at a solution.

    Where output and target lie beyond the same limit, the output may stay as it is; elsewhere it should come to the
    target, or to the limit if the target lies beyond.
    """
    x, target = layer.x[:, rows], layer.target[:, rows]
    y = x @ solution.weight.transpose(0, 2, 1) + solution.bias[:, None]
    reached, wanted = layer.activated(y, rows), layer.activated(target, rows)
    beyond = (reached == wanted) & ~layer.passes(y, rows) & ~layer.passes(target, rows)
    offset = 0.0 if layer.offset is None else layer.offset[:, rows]
    return Censored(x, np.where(beyond, y, wanted - offset), ~beyond)


def _most_rows(layer: Layer) -> int:
    """As many as the covariances may take."""
    groups, outputs, inputs = layer.weight.shape
    return MAX_WORK // (groups * outputs * inputs**2)


def _affordable(layer: Layer, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    most = _most_rows(layer)
    return rows if len(rows) <= most else rng.choice(rows, most, replace=False)


def _better(layer: Layer, rows: np.ndarray, first: Solution, second: Solution) -> Solution:
    """Output by output, the solution with less loss."""
    take = layer.losses(second, rows) < layer.losses(first, rows)
    return Solution(
        np.where(take[..., None], second.integers, first.integers),
        np.where(take, second.scale, first.scale),
        np.where(take, second.bias, first.bias),
    )
