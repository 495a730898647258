"""Paired statistics: how two quantized models differ on the same samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pairs:
    """Samples that exactly one of two models answers correctly.

    Attributes:
        won: Only the first model is right.
        lost: Only the second model is right.
    """

    won: int
    lost: int

    @property
    def p(self) -> float:
        """McNemar's exact test, two-sided: the chance of a split at least as uneven if both models were equally good.

        Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions (1947), in the
        exact binomial form.
        """
        from scipy.stats import binomtest

        return float(binomtest(self.won, self.won + self.lost).pvalue) if self.won + self.lost else 1.0


def count_pairs(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> Pairs:
    """Compares answers, each (samples,), with labels, (samples,)."""
    right, other = first == labels, second == labels
    return Pairs(int((right & ~other).sum()), int((other & ~right).sum()))


def answers(output: np.ndarray) -> np.ndarray:
    """Class with the largest score: (samples,)."""
    return output.reshape(len(output), -1).argmax(axis=1)


def changed_answers(first: np.ndarray, second: np.ndarray) -> int:
    """Samples to which two models, by their outputs (samples, ...), answer differently."""
    return int((answers(first) != answers(second)).sum())


def sqnr_db(reference: np.ndarray, output: np.ndarray) -> float:
    """10 log10(sum r^2 / sum (r - q)^2), dB; infinite where they are equal."""
    reference = reference.astype(np.float64)
    noise = float(np.square(reference - output).sum())
    return float(10 * np.log10(float(np.square(reference).sum()) / noise)) if noise else float("inf")


def error_rank_correlation(inputs: np.ndarray, reference: np.ndarray, output: np.ndarray) -> float:
    """Spearman's correlation of two autoencoders' reconstruction errors per sample: does the ranking survive?"""
    from scipy.stats import spearmanr

    first, second = (np.square(array - inputs).reshape(len(inputs), -1).mean(axis=1) for array in (reference, output))
    return float(spearmanr(first, second).statistic)
