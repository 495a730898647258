"""Methods that choose the range to quantize from what was observed of a tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeq.calibrate.histogram import Histogram
from edgeq.calibrate.observers import Observer
from edgeq.quant.qparams import QuantParams, Range, Scheme
from edgeq.quant.scheme import range_params

Method = Literal["minmax", "moving_average", "percentile", "mse", "entropy"]

PERCENTILE = 99.99
MSE_STEPS = 64
"""Candidates for each end of a range, equally spaced from the extreme to zero."""
ENTROPY_STEPS = 128


@dataclass(frozen=True)
class Width:
    """What a range will be quantized to."""

    bits: int = 8
    scheme: Scheme = "asymmetric"

    def params(self, found: Range) -> QuantParams:
        """Parameters for a range."""
        return range_params(found, self.bits, self.scheme)


def choose_range(seen: Observer, method: Method, width: Width) -> Range:
    """The range to quantize.

    - `minmax`: the extremes (Krishnamoorthi, arXiv:1806.08342, 2018, section 3.1).
    - `moving_average`: of the extremes of each sample (Jacob et al., CVPR 2018, section 3.1).
    - `percentile`: without the outermost 0.01 % of the values other than zero, half of it at each end.
    - `mse`: least mean squared error (Nagel et al., arXiv:2106.08295, 2021, section 3.1, equation 3.1).
    - `entropy`: least Kullback-Leibler divergence (Migacz, "8-bit Inference with TensorRT", GTC 2017).
    """
    return _METHODS[method](seen, width)


def _minmax(seen: Observer, width: Width) -> Range:
    return seen.range


def _moving_average(seen: Observer, width: Width) -> Range:
    return Range(*seen.average)


def _percentile(seen: Observer, width: Width) -> Range:
    edges, counts = seen.histogram.occupied()
    cumulative = np.cumsum(counts)
    cut = cumulative[-1] * (1 - PERCENTILE / 100) / 2
    first = np.searchsorted(cumulative, cut, side="right")
    last = np.searchsorted(cumulative, cumulative[-1] - cut)
    return _inside(seen.range, edges[first], edges[last + 1])


def _mse(seen: Observer, width: Width) -> Range:
    """Coordinate descent over a grid: both ends together, then each by itself, twice."""
    full = best = seen.range
    shares = [step / MSE_STEPS for step in range(1, MSE_STEPS + 1)]

    def best_of(candidates: list[Range]) -> Range:
        return candidates[int(squared_errors(seen.histogram, [width.params(c) for c in candidates]).argmin())]

    best = best_of([Range(*sorted((full.lo * s, full.hi * s))) for s in shares])
    for _ in range(2):
        if full.lo < 0.0 < full.hi:
            best = best_of([best, *(Range(full.lo * s, best.hi) for s in shares)])
            best = best_of([best, *(Range(best.lo, full.hi * s) for s in shares)])
    return best


def squared_errors(histogram: Histogram, candidates: Sequence[QuantParams]) -> np.ndarray:
    """Sums of squared differences between values and their quantized form: (candidates,).

    Values count as uniform within their bin.

    The integral of the error over each bin is exact, so that bins may be wider or narrower than a step. With
    e(x) = x - s * round(x / s), the integral of e^2 from 0 to x is s^3 / 12 * round(x / s) + e(x)^3 / 3; behind the
    outermost integer it goes on with the third of the cube of the distance.
    """
    edges, counts = histogram.occupied()
    weights = -np.diff(counts, prepend=0, append=0)  # by summation by parts: of the integral at each edge
    ends = np.array([(params.range.lo, params.range.hi) for params in candidates])
    scale = np.array([[params.scale] for params in candidates])
    inside = np.clip(edges, ends[:, :1], ends[:, 1:])
    steps = np.rint(inside / scale)
    within, beyond = inside - scale * steps, edges - inside
    integral = scale**3 / 4 * steps + within * within * within + beyond * beyond * beyond
    return integral @ weights / (3 * (edges[1] - edges[0]))


def _entropy(seen: Observer, width: Width) -> Range:
    """One threshold on magnitudes; the integers of a range without negative values are all on one side."""
    full, counts = seen.range, seen.histogram.magnitudes().astype(np.float64)
    two_sided = full.lo < 0.0 < full.hi or width.scheme == "symmetric"
    levels = 1 << (width.bits - two_sided)
    if len(counts) <= levels:
        return full
    candidates = np.unique(np.linspace(levels, len(counts), ENTROPY_STEPS).astype(int))
    best = min(candidates, key=lambda n: _divergence(counts, int(n), levels))
    threshold = float(best) * seen.histogram.limit * 2 / len(seen.histogram.counts)
    return _inside(full, -threshold, threshold)


def _divergence(counts: np.ndarray, kept: int, levels: int) -> float:
    """Kullback-Leibler divergence between the first `kept` bins, outliers in the last, and their quantized form."""
    reference = counts[:kept].copy()
    reference[-1] += counts[kept:].sum()
    starts = np.arange(levels) * kept // levels
    sizes = np.diff(np.append(starts, kept))
    filled = counts[:kept] > 0
    mean = np.add.reduceat(counts[:kept], starts) / np.maximum(np.add.reduceat(filled.astype(int), starts), 1)
    quantized = np.where(filled, np.repeat(mean, sizes), 0.0)
    used = reference > 0
    p, q = reference[used] / reference.sum(), quantized[used] / max(quantized.sum(), 1.0)
    return float("inf") if (q == 0).any() else float((p * np.log(p / q)).sum())


def _inside(full: Range, lo: float, hi: float) -> Range:
    """lo..hi without what lies beyond the extremes."""
    lo, hi = (min(max(float(end), full.lo), full.hi) for end in (lo, hi))
    return Range(lo, hi)


_METHODS: dict[Method, Callable[[Observer, Width], Range]] = {
    "minmax": _minmax,
    "moving_average": _moving_average,
    "percentile": _percentile,
    "mse": _mse,
    "entropy": _entropy,
}
