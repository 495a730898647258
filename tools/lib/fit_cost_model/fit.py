"""Coefficients of kernel classes by non-negative least squares, and how far whole networks are off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import nnls

from edgeq.cost.features import features_of
from edgeq.cost.model import Coefficients, KernelClass, weighed
from fit_cost_model.samples import Sample

Unit = Literal["instructions", "cycles"]
EMPHASIS = 0.7
"""Errors count by samples to this power: 0 would be absolute errors, where large layers rule, 1 relative ones."""

FOLDS = 8
"""Groups of networks in cross-validation."""

MOST = 6
"""Features of a class."""

ENOUGH = 0.98
"""A feature stays out if the error falls by less than to this share."""


@dataclass(frozen=True)
class Error:
    """How far the prediction of a network is off, as a share of what was counted.

    Attributes:
        fitted: With the network among the samples.
        left_out: Without it; None where no other network has one of its kernels.
    """

    network: str
    widths: tuple[int, int]
    counted: int
    fitted: float
    left_out: float | None


def fit(samples: Iterable[Sample], unit: Unit) -> dict[KernelClass, Coefficients]:
    """Of each class: what a unit of each feature costs, where that is anything."""
    classes: dict[KernelClass, list[Sample]] = defaultdict(list)
    for sample in samples:
        classes[KernelClass.of(sample.shape)].append(sample)
    return {key: _coefficients(rows, unit) for key, rows in sorted(classes.items(), key=str)}


def _coefficients(samples: Sequence[Sample], unit: Unit) -> Coefficients:
    """A shape that occurs again counts once."""
    distinct = list({sample.shape: sample for sample in samples}.values())
    features = features_of(samples[0].shape.kernel)
    matrix = np.array([[feature(s.shape.loops) for feature in features.values()] for s in distinct], float)
    counted = np.array([getattr(s, unit) for s in distinct], float)
    weight, size = counted**-EMPHASIS, np.maximum(matrix.max(axis=0), 1.0)
    scaled, goal = matrix / size * weight[:, None], counted * weight
    chosen = _chosen(scaled, goal, _folds([sample.network for sample in distinct]))
    found, _ = nnls(scaled[:, chosen], goal)
    names = list(features)
    return {names[k]: float(f"{c:.5g}") for k, c in zip(chosen, found / size[chosen], strict=True) if c > 0}


def _folds(networks: Sequence[str]) -> list[np.ndarray]:
    """Samples to leave out at a time, (samples,) of bool each: all of some networks, since those of one are alike."""
    names = list(dict.fromkeys(networks))
    return [np.isin(networks, names[i::FOLDS]) for i in range(min(FOLDS, len(names)))]


def _chosen(scaled: np.ndarray, goal: np.ndarray, folds: Sequence[np.ndarray]) -> list[int]:
    """Features that predict what was left out: one is added after the other while the error falls.

    Forward selection by cross-validation: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd
    ed., sections 3.3.2 and 7.10.
    """
    present = [k for k in range(scaled.shape[1]) if scaled[:, k].any()]
    chosen: list[int] = []
    least = np.inf
    while len(chosen) < MOST:
        tried = {k: _left_out(scaled[:, [*chosen, k]], goal, folds) for k in present if k not in chosen}
        best = min(tried, key=tried.__getitem__, default=None)
        if best is None or tried[best] > ENOUGH * least:
            break
        chosen, least = [*chosen, best], tried[best]
    return chosen


def _left_out(columns: np.ndarray, goal: np.ndarray, folds: Sequence[np.ndarray]) -> float:
    """Sum of the squared errors, each fold predicted by the others; the fitted ones where there is one network only."""
    if len(folds) < 2:
        return float(np.square(columns @ nnls(columns, goal)[0] - goal).sum())
    off = [columns[fold] @ nnls(columns[~fold], goal[~fold])[0] - goal[fold] for fold in folds]
    return float(sum(np.square(part).sum() for part in off))


def errors(samples: Sequence[Sample], networks: Collection[str], unit: Unit) -> list[Error]:
    """Of these networks at each pair of widths, on one target."""
    whole, rows = fit(samples, unit), []
    for network in networks:
        others = fit((s for s in samples if s.network != network), unit)
        own = [s for s in samples if s.network == network]
        for widths in dict.fromkeys(s.widths for s in own):
            mine = [s for s in own if s.widths == widths]
            counted = sum(getattr(s, unit) for s in mine)
            fitted, left_out = _predicted(mine, whole), _predicted(mine, others)
            assert fitted is not None
            off = None if left_out is None else left_out / counted - 1
            rows.append(Error(network, widths, counted, fitted / counted - 1, off))
    return rows


def _predicted(samples: Sequence[Sample], coefficients: dict[KernelClass, Coefficients]) -> float | None:
    classes = [KernelClass.of(sample.shape) for sample in samples]
    if not set(classes) <= set(coefficients):
        return None
    return sum(weighed(coefficients[c], s.shape) for c, s in zip(classes, samples, strict=True))
