"""GPTQ: rounds a weight input after input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Rounding = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""The integers next to numbers of steps of some inputs."""

BLOCK = 32
"""Columns between two updates of the columns far behind."""


def round_columns(
    weight: np.ndarray, hessian: np.ndarray, scale: np.ndarray, rounded: Rounding
) -> tuple[np.ndarray, np.ndarray]:
    """Rounds input after input, and lets the inputs not yet rounded make up for the error.

    Source: Frantar et al., "GPTQ", ICLR 2023, section 3.3, equations 2 and 3 with Cholesky and lazy batches, inputs in
    the order of falling diagonal; after Frantar and Alistarh, "Optimal Brain Compression", NeurIPS 2022, section 5.

    Args:
        weight: float32, (groups, outputs, inputs).
        hessian: Positive definite, (groups, inputs, inputs).
        scale: One per candidate: float32, (candidates, groups, outputs).
        rounded: Given numbers of steps, (candidates, groups, outputs), and which input of each group they belong to.

    Returns:
        Integers, float32, (candidates, groups, outputs, inputs), and the loss of each, (candidates, groups, outputs).
    """
    order, upper = _elimination(hessian)
    left = np.take_along_axis(weight, order[:, None, :], axis=2)
    left = np.repeat(left[None], len(scale), axis=0)
    integers, loss = np.empty_like(left), np.zeros_like(scale)
    for start in range(0, left.shape[-1], BLOCK):
        end = min(start + BLOCK, left.shape[-1])
        errors = np.empty((*scale.shape, end - start), np.float32)
        for j in range(start, end):
            integers[..., j] = rounded(left[..., j] / scale, order[:, j])
            error = (left[..., j] - integers[..., j] * scale) / upper[:, j, j][:, None]
            left[..., j + 1 : end] -= error[..., None] * upper[:, None, j, j + 1 : end]
            errors[..., j - start] = error
        left[..., end:] -= errors @ upper[:, start:end, end:]
        loss += np.square(errors).sum(axis=-1)
    back = np.argsort(order, axis=1)
    return np.take_along_axis(integers, back[None, :, None, :], axis=3), loss


def _elimination(hessian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of inputs, (groups, inputs), and U with H^-1 = U^T U in that order, float32."""
    order = np.argsort(-np.diagonal(hessian, axis1=1, axis2=2), axis=1, kind="stable")
    rows = np.take_along_axis(hessian, order[:, :, None], axis=1)
    inverse = np.linalg.inv(np.take_along_axis(rows, order[:, None, :], axis=2))
    return order, np.linalg.cholesky(inverse).transpose(0, 2, 1).astype(np.float32)
