"""Grids of numbers other than evenly spaced ones, and their fit to weights. Analysis only: NumPy, no kernels.

A grid is a set of levels; a row of weights (an output channel) is a scale times levels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SHARES = 2.0 ** np.linspace(-2.5, 1.0, 36)
"""Scales that are tried, as shares of a row's largest magnitude: below 1 they clip."""

REFINEMENTS = 3
"""Of the best of them, by least squares."""

EXPONENTS = np.linspace(0.3, 1.0, 15)
"""Of power-exponent grids: 1 is evenly spaced."""


@dataclass(frozen=True, eq=False)
class Codebook:
    """The levels of a grid.

    Attributes:
        name: With its parameters, such as `e4m3`.
        levels: float64, ascending, 0 among them, the largest magnitude 1.
    """

    name: str
    levels: np.ndarray

    @classmethod
    def of(cls, name: str, levels: np.ndarray) -> Codebook:
        """Sorted, without duplicates, scaled to the largest magnitude 1."""
        distinct = np.unique(np.asarray(levels, np.float64))
        return cls(name, distinct / np.abs(distinct).max())

    @classmethod
    def of_magnitudes(cls, name: str, magnitudes: np.ndarray) -> Codebook:
        """Of a sign and a magnitude."""
        return cls.of(name, np.concatenate([-np.asarray(magnitudes, np.float64), magnitudes]))

    @cached_property
    def _borders(self) -> np.ndarray:
        return (self.levels[1:] + self.levels[:-1]) / 2

    def nearest(self, values: np.ndarray) -> np.ndarray:
        """The level next to each value, of the same shape."""
        return self.levels[np.searchsorted(self._borders, values)]


def uniform(bits: int) -> Codebook:
    """Evenly spaced: the integers that edgeq's kernels take (-127 to 127 at 8 bits, all of them below)."""
    return Codebook.of("integer", np.arange(max(-(1 << (bits - 1)), -127), 1 << (bits - 1)))


def power_exponent(bits: int, exponent: float) -> Codebook:
    """Integers raised to a power: |w|^exponent is evenly spaced.

    Source: Yvinec et al., "NUPES: Non-Uniform Post-Training Quantization via Power Exponent Search", IEEE TPAMI 2025,
    section 3, after PowerQuant (ICLR 2023, section 3.2): power functions are the automorphisms of (R+, x).
    """
    steps = np.arange(1 << (bits - 1)) / max((1 << (bits - 1)) - 1, 1)
    return Codebook.of_magnitudes(f"power {exponent:.2f}", steps ** (1 / exponent))


def powers_of_two(bits: int) -> Codebook:
    """0 and +-2^-k: a product is a shift.

    Source: Zhou et al., "Incremental Network Quantization", ICLR 2017, section 2.1, equation 1; Miyashita et al.,
    arXiv:1603.01025, 2016, section 3.
    """
    return Codebook.of_magnitudes("log2", _terms(bits - 1, 0, 1))


def sums_of_two_powers(bits: int) -> Codebook:
    """+-(p1 + p2) of two powers of two (or 0) from interleaved sets: a product is two shifts and a sum.

    Source: Li et al., "Additive Powers-of-Two Quantization", ICLR 2020, section 2.2, equation 5; with an odd number of
    bits for the magnitude, the first term has one more.
    """
    first, second = _terms(bits // 2, 0, 2), _terms((bits - 1) // 2, 1, 2)
    return Codebook.of_magnitudes("log2 of two terms", np.add.outer(first, second).reshape(-1))


def _terms(bits: int, first: int, step: int) -> np.ndarray:
    """0, 2^-first, 2^-(first + step), ...: 2^bits of them."""
    return np.concatenate([[0.0], 2.0 ** -(first + step * np.arange((1 << bits) - 1, dtype=np.float64))])


def minifloat(exponent_bits: int, mantissa_bits: int) -> Codebook:
    """Floating point of a sign, an exponent and a mantissa, with subnormal numbers, without infinity and NaN.

    Source: Aggarwal et al., "Shedding the Bits: Pushing the Boundaries of Quantization with Minifloats on FPGAs", FPL
    2024, section III, equation 1.
    """
    exponent = np.arange(1 << exponent_bits, dtype=np.float64)
    mantissa = np.arange(1 << mantissa_bits) / (1 << mantissa_bits)
    significand = np.where(exponent[:, None] > 0, 1 + mantissa, mantissa)
    magnitudes = 2.0 ** (np.maximum(exponent, 1) - exponent[-1])[:, None] * significand
    return Codebook.of_magnitudes(f"e{exponent_bits}m{mantissa_bits}", magnitudes.reshape(-1))


def minifloats(bits: int) -> list[Codebook]:
    """All splits of a width."""
    return [minifloat(exponent, bits - 1 - exponent) for exponent in range(1, bits)]


FAMILIES: dict[str, Callable[[int], list[Codebook]]] = {
    "integer": lambda bits: [uniform(bits)],
    "log2": lambda bits: [powers_of_two(bits)],
    "log2x2": lambda bits: [sums_of_two_powers(bits)],
    "power": lambda bits: [power_exponent(bits, float(exponent)) for exponent in EXPONENTS],
    "minifloat": minifloats,
}
"""The grids of a width, by the name of their family; a layer takes the best of its family."""


def fit(rows: np.ndarray, codebook: Codebook) -> np.ndarray:
    """Rows on a grid, each with the scale of `best_scale`: float64, (channels, weights) as they are."""
    scale = best_scale(rows, codebook)
    return codebook.nearest(_divided(rows, scale)) * scale


def best_scale(rows: np.ndarray, codebook: Codebook) -> np.ndarray:
    """For each row the scale of least square error that a search and least squares find: float64, (channels, 1).

    Args:
        rows: (channels, weights).
    """
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0).astype(np.float64)
    scale, least = np.ones_like(largest), np.full(largest.shape, np.inf)
    for share in SHARES:
        scale, least = _better(rows, codebook, scale, least, share * largest)
    for _ in range(REFINEMENTS):
        levels = codebook.nearest(_divided(rows, scale))
        wanted = (levels * rows).sum(axis=1, keepdims=True)
        scale, least = _better(rows, codebook, scale, least, _divided(wanted, np.square(levels).sum(1, keepdims=True)))
    return scale


def _better(
    rows: np.ndarray, codebook: Codebook, scale: np.ndarray, least: np.ndarray, tried: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The better of two scales for each row, and the square error that it leaves."""
    error = np.square(codebook.nearest(_divided(rows, tried)) * tried - rows).sum(axis=1, keepdims=True)
    return np.where(error < least, tried, scale), np.minimum(error, least)


def _divided(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient, and 0 where a row of zeros has no scale."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator, np.float64), where=denominator > 0)


def fit_best(rows: np.ndarray, codebooks: Sequence[Codebook]) -> tuple[np.ndarray, Codebook]:
    """Rows on the grid among several that leaves the least square error of all of them together, and that grid."""
    fitted = [fit(rows, codebook) for codebook in codebooks]
    best = min(range(len(fitted)), key=lambda i: float(np.square(fitted[i] - rows).sum()))
    return fitted[best], codebooks[best]
