"""How far the answers of a quantized model are from those of the float model: sample by sample, and as one number."""

from __future__ import annotations

from typing import Literal

import numpy as np

from edgeq.calibrate.prediction import TINY
from edgeq.report.metrics import Accuracy

Form = Literal["probabilities", "scores", "values"]
"""What a model's output is: probabilities of classes, scores of classes before Softmax, or anything else."""


def sample_losses(exact: np.ndarray, outputs: np.ndarray, form: Form) -> np.ndarray:
    """Kullback-Leibler divergence of classes; else the noise of a sample in the mean signal of all: (samples,).

    The mean over samples is that of `edgeq.calibrate.prediction.prediction_difference`.

    Args:
        exact, outputs: (samples, ...), of the float and of the quantized model.
    """
    p, q = (array.reshape(len(array), -1).astype(np.float64) for array in (exact, outputs))
    if form == "values":
        return np.square(p - q).sum(axis=1) / max(float(np.square(p).sum(axis=1).mean()), TINY)
    if form == "scores":
        p, q = _softmax(p), _softmax(q)
    return (p * np.log((p + TINY) / (q + TINY))).sum(axis=1)


def drop(accuracy: Accuracy) -> float:
    """What the metric loses, as a share of 1: of top1 and auc the difference to the float model, of agreement the
    share of other answers, of sqnr the ratio of noise to signal."""
    if accuracy.metric == "sqnr":
        return float(10 ** (-accuracy.quantized / 10))
    return (1.0 if accuracy.float_value is None else accuracy.float_value) - accuracy.quantized


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
