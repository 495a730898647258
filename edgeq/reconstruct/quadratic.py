"""Integers and scales that minimize the quadratic form (q*s - w) H (q*s - w)^T, per output channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDS = 3
"""Alternations of descent and scale."""

MAX_SWEEPS = 3
"""Sweeps of one descent."""

DISTURBED = 0.03
"""Share of the integers that a restart changes; at least two of an output."""


@dataclass(frozen=True, eq=False)
class Point:
    """A quantized weight.

    Attributes:
        integers: (groups, outputs, inputs).
        scale: (groups, outputs).
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

    def loss(self, point: Point) -> np.ndarray:
        """The value of the form: (groups, outputs)."""
        difference = point.integers * point.scale[..., None] - self.weight
        return ((difference @ self.hessian) * difference).sum(axis=-1)

    def improve(self, point: Point) -> Point:
        """Alternates between the best scale for the integers and coordinate descent on the integers.

        Source: Behdin et al., "QuantEase: Optimization-based Quantization for Language Models", 2023, section 3
        (coordinate descent).
        """
        for _ in range(ROUNDS):
            scale = self.fitted_scale(point)
            point = Point(self.descended(point.integers, scale), scale)
        return Point(point.integers, self.fitted_scale(point))

    def search(self, point: Point, restarts: int, rng: np.random.Generator) -> Point:
        """Iterated local search: changes a few integers at random, improves, and keeps what is better.

        Source: Lourenco, Martin and Stuetzle, "Iterated Local Search", 2003, section 2.
        """
        share = max(DISTURBED, 2 / point.integers.shape[-1])
        for _ in range(restarts):
            kicks = rng.choice([-1, 1], point.integers.shape) * (rng.random(point.integers.shape) < share)
            kicked = Point((point.integers + kicks).clip(*self.limits), point.scale)
            point = self.better(point, self.improve(kicked))
        return point

    def better(self, first: Point, second: Point) -> Point:
        """Per output (or, with one scale, as a whole) the point with less loss."""
        gain = self.loss(first) - self.loss(second)
        take = np.full_like(gain, gain.sum()) > 0 if self.shared else gain > 0
        return Point(
            np.where(take[..., None], second.integers, first.integers), np.where(take, second.scale, first.scale)
        )

    def descended(self, integers: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Sets each integer to its best value given the others, until a sweep changes nothing."""
        integers = integers.astype(np.float64)
        gradient = (integers * scale[..., None] - self.weight) @ self.hessian
        for _ in range(MAX_SWEEPS):
            changed = False
            for j in range(integers.shape[-1]):
                step = gradient[..., j] / (self.hessian[:, j, j][:, None] * scale)
                change = np.rint(integers[..., j] - step).clip(*self.limits) - integers[..., j]
                if change.any():
                    changed = True
                    integers[..., j] += change
                    gradient += (change * scale)[..., None] * self.hessian[:, None, j, :]
            if not changed:
                break
        return integers

    def fitted_scale(self, point: Point) -> np.ndarray:
        """The best scale for given integers, in closed form; the present one where that would not be positive."""
        product = point.integers @ self.hessian
        numerator, denominator = ((product * other).sum(axis=-1) for other in (self.weight, point.integers))
        if self.shared:
            numerator, denominator = (np.full_like(part, part.sum()) for part in (numerator, denominator))
        good = (numerator > 0) & (denominator > 0)
        best = np.where(good, numerator / np.where(good, denominator, 1.0), point.scale)
        return np.maximum(best, self.floor)


def damped(hessian: np.ndarray, share: float) -> np.ndarray:
    """H plus `share` of its mean diagonal on the diagonal: invertible, and less sure of few samples."""
    mean = np.diagonal(hessian, axis1=1, axis2=2).mean(axis=1)
    extra = share * mean + np.finfo(np.float32).tiny
    return hessian + extra[:, None, None] * np.eye(hessian.shape[-1])
