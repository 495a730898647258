"""Coefficients of kernel classes by non-negative least squares, and how far whole networks are off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import nnls

from edgeq.cost.features import FEATURES
from edgeq.cost.model import Coefficients, KernelClass, weighed
from fit_cost_model.samples import Sample

Unit = Literal["instructions", "cycles"]
EMPHASIS = 0.7
"""Errors count by samples to this power: 0 would be absolute errors, where large layers rule, 1 relative ones."""


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
    distinct = {sample.shape: sample for sample in samples}.values()
    matrix = np.array([[feature(s.shape.loops) for feature in FEATURES.values()] for s in distinct], float)
    counted = np.array([getattr(s, unit) for s in distinct], float)
    weight, size = counted**-EMPHASIS, np.maximum(matrix.max(axis=0), 1.0)
    found, _ = nnls(matrix / size * weight[:, None], counted * weight)
    return {name: float(f"{c:.5g}") for name, c in zip(FEATURES, found / size, strict=True) if c > 0}


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
    return sum(weighed(coefficients[c], s.shape.loops) for c, s in zip(classes, samples, strict=True))
