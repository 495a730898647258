"""GPTQ onto narrow codes with a factor for each block of input channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.quant.blocks import largest_factor
from edgeq.reconstruct.columns import round_columns
from edgeq.reconstruct.descent import descend
from edgeq.reconstruct.gptq import resolve
from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.quadratic import ROUNDS, Points, Quadratic, damped
from edgeq.reconstruct.scales import clipped_scale

SHARES = np.geomspace(0.7, 1.8, 8, dtype=np.float32)
"""Scales of blocks that are tried, as shares of those of least square error."""


@dataclass(frozen=True)
class BlockGptq:
    """Gives each block a scale that is an integer times that of its channel, rounds by GPTQ, improves by descent.

    Sources: Dai et al., "VS-Quant", MLSys 2021, section 4.4 (the scales); see `Gptq` for the rest.

    Attributes:
        size: Input channels of a block; a divisor of their number.
        bits: Of a code: 4 or 2.
        ridge: Weights are first solved anew for the quantized inputs, pulled this much towards the float ones; None
            keeps them.
        damping: Share of the mean diagonal that is added to the covariance, a tenth of it in the descent.
    """

    size: int
    bits: int
    ridge: float | None = None
    damping: float = 0.01

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        moments = layer.all_moments if everything else layer.fit_moments
        target = layer.weight.astype(np.float64)
        if self.ridge is not None:
            target = resolve(target, moments, self.ridge)
        scale, factors = self._start(target.astype(np.float32), layer)
        problem = Quadratic(target, damped(moments.hessian, self.damping / 10), layer.floor, (-127, 127), layer.shared)
        weights = self._rounded(target.astype(np.float32), damped(moments.hessian, self.damping), scale, factors)
        best = problem.best(self._improved(problem, Points(weights, scale), factors, self._block_of(layer)))
        integers = best.integers[0].astype(np.int64)
        common = np.maximum(np.gcd.reduce(integers, axis=-1), 1)  # so that the scales of blocks say all
        common = np.full_like(common, np.gcd.reduce(common, axis=None)) if layer.shared else common
        rows = layer.everything if everything else ~layer.held
        return layer.solution(integers // common[..., None], best.scale[0] * common, rows)

    @property
    def _limits(self) -> tuple[int, int]:
        """Of the codes."""
        return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1

    def _start(self, target: np.ndarray, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
        """Scales of the channels, (candidates, 1, outputs), and factors, (candidates, 1, outputs, inputs)."""
        block, most = self._block_of(layer), largest_factor(self.bits)
        rows = target[0][:, np.argsort(block, kind="stable")].reshape(target.shape[1], -1, self.size)
        own = clipped_scale(rows, np.zeros(rows.shape[:2], np.float32), *self._limits, shared=False)
        wanted = SHARES[:, None, None, None] * own
        largest = wanted.max(axis=(2, 3) if layer.shared else 3, keepdims=True)[..., 0]
        scale = np.maximum(np.broadcast_to(largest / most, wanted.shape[:3]), layer.floor).astype(np.float32)
        factors = np.rint(wanted / scale[..., None]).clip(1, most).astype(np.float32)
        return scale, factors[..., block]

    def _block_of(self, layer: Layer) -> np.ndarray:
        """The block of each input, int (inputs,): inputs come by channel, then by tap; blocks by tap."""
        channel, tap = np.divmod(np.arange(layer.weight.shape[-1]), layer.taps)
        return tap * (layer.channels // self.size) + channel // self.size

    def _rounded(self, target: np.ndarray, hessian: np.ndarray, scale: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Integer weights, (candidates, 1, outputs, inputs)."""

        def nearest(steps: np.ndarray, inputs: np.ndarray) -> np.ndarray:
            own = factors[..., inputs[0]]
            return own * np.rint(steps / own).clip(*self._limits)

        return round_columns(target, hessian, scale, nearest)[0]

    def _improved(self, problem: Quadratic, points: Points, factors: np.ndarray, block: np.ndarray) -> Points:
        """Alternates between the scales of channels, factors, and descent on the codes, as `Quadratic.improve` does."""
        for _ in range(ROUNDS):
            scale = problem.fitted_scale(points)[..., None]
            codes = descend(problem.weight, problem.hessian, points.integers / factors, scale * factors, self._limits)
            factors = self._refitted(problem, codes, factors, scale, block)
            points = Points(codes * factors, problem.fitted_scale(Points(codes * factors, points.scale)))
        return points

    def _refitted(
        self, problem: Quadratic, codes: np.ndarray, factors: np.ndarray, scale: np.ndarray, block: np.ndarray
    ) -> np.ndarray:
        """Sets each factor to its best value given the codes and the other factors."""
        factors, most = factors.copy(), largest_factor(self.bits)
        slope = (codes * factors * scale - problem.weight) @ problem.hessian
        for number in range(block.max() + 1):
            own = np.flatnonzero(block == number)
            moved = codes[..., own] * scale
            curved = moved @ problem.hessian[:, own]
            down = (slope[..., own] * moved).sum(axis=-1)
            bend = (curved[..., own] * moved).sum(axis=-1)
            change = np.divide(-down, bend, out=np.zeros_like(bend), where=bend > 0)
            present = factors[..., own[0]]
            better = np.rint(present + change).clip(1, most)
            factors[..., own] = better[..., None]
            slope += (better - present)[..., None] * curved
        return factors
