"""Histograms of streams whose range is not known beforehand."""

from __future__ import annotations

import math

import numpy as np

SIDE = 2048
"""Bins on each side of zero; the largest magnitude lies in the upper half of them."""
SMALLEST_LIMIT = 2.0**-100
PIECE = 2**14
"""Values counted at once: temporary arrays stay in the cache, which is four times as fast as whole tensors."""


class Histogram:
    """Counts of values in equal bins from -limit to limit, where limit is a power of two that doubles when exceeded.

    Doubling merges bins pairwise, so that the counts do not depend on the order in which values come. Exact zeros
    (most of what a ReLU makes) are counted apart: they are represented without error whatever the scale.

    Attributes:
        counts: int64, (2 * SIDE,): values other than zero.
        zeros: Number of exact zeros.
        limit: Upper edge of the last bin; 0 while nothing but zeros was seen.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(2 * SIDE, np.int64)
        self.zeros = 0
        self.limit = 0.0

    def update(self, values: np.ndarray) -> None:
        """Counts finite values of any shape."""
        flat = values.reshape(-1)
        largest = float(max(flat.max(), -flat.min()))
        if largest > self.limit:
            self._reach(largest)
        zeros = int(np.count_nonzero(flat == 0))
        self.zeros += zeros
        if zeros < flat.size:
            for start in range(0, flat.size, PIECE):
                self._count(flat[start : start + PIECE])
            self.counts[SIDE] -= zeros

    def _count(self, values: np.ndarray) -> None:
        """Counts values within the limit, (n,); zeros too."""
        bins = np.floor(values * (SIDE / self.limit))
        bins += SIDE
        counts = np.bincount(bins.astype(np.intp), minlength=2 * SIDE + 1)
        self.counts += counts[:-1]
        self.counts[-1] += counts[-1]  # the limit itself

    def _reach(self, largest: float) -> None:
        """Doubles the limit until it covers `largest`."""
        if self.limit == 0.0:
            self.limit = max(2.0 ** math.ceil(math.log2(largest)), SMALLEST_LIMIT)
        while self.limit < largest:
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts[:] = 0
            self.counts[SIDE // 2 : SIDE // 2 + SIDE] = pairs
            self.limit *= 2

    @property
    def total(self) -> int:
        """Number of values, zeros included."""
        return int(self.counts.sum()) + self.zeros

    def occupied(self) -> tuple[np.ndarray, np.ndarray]:
        """Edges (n + 1,) and a copy of the counts (n,) of the bins from the first to the last that is not empty."""
        found = np.flatnonzero(self.counts)
        first, last = (found[0], found[-1] + 1) if found.size else (SIDE, SIDE + 1)
        edges = (np.arange(first, last + 1) - SIDE) * (self.limit / SIDE)
        return edges, self.counts[first:last].copy()

    def magnitudes(self) -> np.ndarray:
        """Counts of |value| in bins of width limit / SIDE, up to the last that is not empty: (n,)."""
        folded = self.counts[SIDE:] + self.counts[SIDE - 1 :: -1]
        found = np.flatnonzero(folded)
        return folded[: found[-1] + 1] if found.size else folded[:1]
