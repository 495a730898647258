"""Gradient-boosted trees that predict the loss of an allocation: a prior of other models' trials, and this model's own.

Source: Lee et al., "Quantune: Post-training Quantization of Convolutional Neural Networks using Extreme Gradient
Boosting for Fast Deployment", Future Generation Computer Systems 132, 2022, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import xgboost

from edgeq.search.features import TINY, Features

PRIOR = files("edgeq.search") / "prior.ubj"
MEMBERS = 5
"""Of the ensemble: each saw other trials more often."""

ROUNDS = 40
PRIOR_ROUNDS = 60
TREES = {"max_depth": 3, "eta": 0.2, "lambda": 1.0, "min_child_weight": 0.5, "nthread": 1, "verbosity": 0}
"""Small trees: there are tens of trials, not thousands."""


@dataclass(frozen=True, eq=False)
class Records:
    """Trials of some models.

    Attributes:
        names: Of the features.
        matrix: (trials, names), NaN where a model has no such feature.
        excess: (trials,): logarithm of the measured loss minus `Features.baseline`.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    excess: np.ndarray


@cache
def load_prior() -> xgboost.Booster:
    """The prior that ships with edgeq, made by `tools/bench_search` of trials on other models."""
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(PRIOR.read_bytes()))
    return booster


def train_prior(records: Records) -> xgboost.Booster:
    """Trees that predict what trials exceed their baselines by."""
    data = xgboost.DMatrix(records.matrix, records.excess, feature_names=list(records.names))
    return xgboost.train({**TREES, "subsample": 0.7, "seed": 0}, data, PRIOR_ROUNDS)


class Surrogate:
    """Predicted logarithms of losses: baseline, plus the prior, plus what own trials say against both."""

    def __init__(self, features: Features, prior: xgboost.Booster, seed: int) -> None:
        self._features, self._prior = features, prior
        self._rng = np.random.default_rng(seed)
        self._members: list[xgboost.Booster] = []

    def fit(self, indices: np.ndarray, losses: np.ndarray) -> None:
        """Learns from own trials, (trials, knobs) and (trials,); members weigh them at random (Bayesian bootstrap)."""
        excess = np.log(losses + TINY) - self._expected(indices)
        matrix = self._matrix(indices)
        self._members = []
        for _ in range(MEMBERS):
            weight = self._rng.exponential(size=len(losses))
            data = xgboost.DMatrix(matrix, excess, weight=weight, base_margin=np.zeros(len(losses)))
            self._members.append(xgboost.train({**TREES, "base_score": 0.0}, data, ROUNDS))

    def predict(self, indices: np.ndarray) -> np.ndarray:
        """Logarithm of the loss as each member has it: (members, allocations). One row before any trial."""
        expected = self._expected(indices)
        if not self._members:
            return expected[None]
        data = xgboost.DMatrix(self._matrix(indices), base_margin=np.zeros(len(indices)))
        return expected + np.array([member.predict(data) for member in self._members])

    def _expected(self, indices: np.ndarray) -> np.ndarray:
        """What is predicted without own trials."""
        baseline = self._features.baseline(indices)
        names = list(self._prior.feature_names or ())
        own = dict(zip(self._features.names, self._features.matrix(indices).T, strict=True))
        missing = np.full(len(indices), np.nan, np.float32)
        matrix = np.column_stack([own.get(name, missing) for name in names])
        return baseline + self._prior.predict(xgboost.DMatrix(matrix, feature_names=names))

    def _matrix(self, indices: np.ndarray) -> np.ndarray:
        return np.hstack((self._features.matrix(indices), self._features.own(indices)))
