"""Integers and scales that minimize the quadratic form (q*s - w) H (q*s - w)^T, per output channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.reconstruct.descent import descend

ROUNDS = 3
"""Alternations of descent and scale."""

DISTURBED = 0.03
"""Share of the integers that a restart changes; at least two of an output."""

WAVE = 5
"""Restarts that set out together from the best so far."""


@dataclass(frozen=True, eq=False)
class Points:
    """Candidates for a quantized weight.

    Attributes:
        integers: (candidates, groups, outputs, inputs).
        scale: (candidates, groups, outputs).
    """

    integers: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True, eq=False)
class Quadratic:
    """The problem.

    Attributes:
        weight: To approximate, float64, (groups, outputs, inputs).
        hessian: Positive definite, float64, (groups, inputs, inputs).
        floor: Least scales, (groups, outputs).
        limits: Of the integers.
        shared: Whether all outputs have one scale.
    """

    weight: np.ndarray
    hessian: np.ndarray
    floor: np.ndarray
    limits: tuple[int, int]
    shared: bool

    def loss(self, points: Points) -> np.ndarray:
        """The value of the form: (candidates, groups, outputs)."""
        difference = points.integers * points.scale[..., None] - self.weight
        return ((difference @ self.hessian) * difference).sum(axis=-1)

    def improve(self, points: Points) -> Points:
        """Alternates between the best scale for the integers and coordinate descent on the integers.

        Source: Behdin et al., "QuantEase: Optimization-based Quantization for Language Models", 2023, section 3
        (coordinate descent).
        """
        for _ in range(ROUNDS):
            scale = self.fitted_scale(points)
            points = Points(descend(self.weight, self.hessian, points.integers, scale[..., None], self.limits), scale)
        return Points(points.integers, self.fitted_scale(points))

    def search(self, points: Points, restarts: int, rng: np.random.Generator) -> Points:
        """Iterated local search: changes a few integers at random, improves, and keeps what is better.

        Source: Lourenco, Martin and Stuetzle, "Iterated Local Search", 2003, section 2.

        Args:
            points: One candidate.
        """
        share = max(DISTURBED, 2 / points.integers.shape[-1])
        while restarts > 0:
            shape = (min(restarts, WAVE), *points.integers.shape[1:])
            kicks = rng.choice(np.array([-1, 1], np.int8), shape) * (rng.random(shape, np.float32) < share)
            kicked = self.improve(
                Points((points.integers + kicks).clip(*self.limits), points.scale.repeat(shape[0], 0))
            )
            points = self.best(
                Points(*map(np.concatenate, ((points.integers, kicked.integers), (points.scale, kicked.scale))))
            )
            restarts -= WAVE
        return points

    def best(self, points: Points) -> Points:
        """The candidate with the least loss per output (or, with one scale, as a whole)."""
        loss = self.loss(points)
        if self.shared:
            loss = np.broadcast_to(loss.sum(axis=(1, 2), keepdims=True), loss.shape)
        least = loss.argmin(axis=0)[None]
        return Points(
            np.take_along_axis(points.integers, least[..., None], axis=0),
            np.take_along_axis(points.scale, least, axis=0),
        )

    def fitted_scale(self, points: Points) -> np.ndarray:
        """The best scale for given integers, in closed form; the present one where that would not be positive."""
        product = points.integers @ self.hessian
        numerator, denominator = ((product * other).sum(axis=-1) for other in (self.weight, points.integers))
        if self.shared:
            sums = (part.sum(axis=(1, 2), keepdims=True) for part in (numerator, denominator))
            numerator, denominator = (np.broadcast_to(part, points.scale.shape) for part in sums)
        good = (numerator > 0) & (denominator > 0)
        best = np.where(good, numerator / np.where(good, denominator, 1.0), points.scale)
        return np.maximum(best, self.floor)


def damped(hessian: np.ndarray, share: float) -> np.ndarray:
    """H plus `share` of its mean diagonal on the diagonal: invertible, and less sure of few samples."""
    mean = np.diagonal(hessian, axis1=1, axis2=2).mean(axis=1)
    extra = share * mean + np.finfo(np.float32).tiny
    return hessian + extra[:, None, None] * np.eye(hessian.shape[-1])
