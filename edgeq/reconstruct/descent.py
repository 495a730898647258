"""Coordinate descent on integers in a quadratic form."""

from __future__ import annotations

import numpy as np

MAX_SWEEPS = 3
"""Sweeps of one descent."""

BLOCK = 32
"""Inputs between two updates of the gradients by the other inputs, which are then one matrix product."""


def descend(
    weight: np.ndarray, hessian: np.ndarray, integers: np.ndarray, steps: np.ndarray, limits: tuple[int, int]
) -> np.ndarray:
    """Sets each integer to its best value given the others, until a sweep changes nothing.

    All candidates, groups and outputs move at once, input by input; gradients lag behind by a block of inputs at most,
    so that the result is that of plain coordinate descent.

    Args:
        weight: float64, (groups, outputs, inputs).
        hessian: Positive definite, float64, (groups, inputs, inputs).
        integers: (candidates, groups, outputs, inputs).
        steps: Real numbers of an integer of 1, (candidates, groups, outputs, inputs), or for all inputs alike (..., 1).
        limits: Of the integers.

    Returns:
        Integers, float64, (candidates, groups, outputs, inputs).
    """
    count, groups, outputs, inputs = integers.shape
    gradient = _by_input((integers * steps - weight) @ hessian)
    places = _by_input(integers.astype(np.float64))
    sizes = np.broadcast_to(_by_input(steps), places.shape)
    curvature = np.diagonal(hessian, axis1=1, axis2=2).T[..., None] * sizes
    for _ in range(MAX_SWEEPS):
        changed = False
        for start in range(0, inputs, BLOCK):
            block = slice(start, start + BLOCK)
            within = hessian[:, block, block]
            moved = _sweep(places[block], gradient[block], curvature[block], within, sizes[block], limits)
            if moved is not None:
                changed = True
                behind = np.matmul(hessian[:, :, block], moved.transpose(1, 0, 2)).transpose(1, 0, 2)
                behind[block] = 0
                gradient += behind
        if not changed:
            break
    return places.reshape(inputs, groups, count, outputs).transpose(2, 1, 3, 0)


def _sweep(
    places: np.ndarray,
    gradient: np.ndarray,
    curvature: np.ndarray,
    hessian: np.ndarray,
    sizes: np.ndarray,
    limits: tuple[int, int],
) -> np.ndarray | None:
    """Moves the integers of a block, and keeps its own gradients up to date.

    Args:
        places, gradient, curvature: (block, groups, columns): integers, slopes by them, and slopes' slopes.
        hessian: (groups, block, block).
        sizes: Steps, (block, groups, columns).

    Returns:
        How far the weights moved, (block, groups, columns); None for nowhere.
    """
    rows, moved = np.ascontiguousarray(hessian.transpose(1, 2, 0)[..., None]), np.zeros_like(places)
    for j, place in enumerate(places):
        best = np.rint(place - gradient[j] / curvature[j])
        np.minimum(np.maximum(best, limits[0], out=best), limits[1], out=best)
        if (best != place).any():
            np.multiply(best - place, sizes[j], out=moved[j])
            place[...] = best
            gradient += rows[j] * moved[j]
    return moved if moved.any() else None


def _by_input(array: np.ndarray) -> np.ndarray:
    """(inputs, groups, candidates * outputs) from (candidates, groups, outputs, inputs)."""
    count, groups, outputs, inputs = array.shape
    return np.ascontiguousarray(array.transpose(3, 1, 0, 2)).reshape(inputs, groups, count * outputs)
