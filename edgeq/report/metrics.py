"""How good a model's answers are: one number for the float model, one for the integer program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeq.errors import UsageError

Metric = Literal["top1", "agreement", "sqnr", "auc"]


@dataclass(frozen=True)
class Accuracy:
    """A metric on the same samples for both models.

    Attributes:
        float_value: Of the float model; None where the metric compares the two (agreement, sqnr).
        quantized: Of the integer program. top1, agreement and auc are shares of 1; sqnr is in dB.
    """

    metric: Metric
    float_value: float | None
    quantized: float
    samples: int

    def to_dict(self) -> dict[str, object]:
        """As report.json has it."""
        return {
            "metric": self.metric,
            "float": self.float_value,
            "quantized": self.quantized,
            "samples": self.samples,
        }


def default_metric(labels: np.ndarray | None, output: np.ndarray) -> Metric:
    """top1 where there are labels and several classes, else sqnr."""
    return "top1" if labels is not None and output[0].size > 1 else "sqnr"


def measure(
    metric: Metric | None,
    reference: np.ndarray,
    quantized: np.ndarray,
    labels: np.ndarray | None,
    inputs: np.ndarray,
) -> Accuracy:
    """Compares the first output of both models.

    Args:
        metric: None chooses by the data.
        reference, quantized: Real values, (samples, ...): the float model's and the integer program's.
        labels: (samples,) class numbers, or 0 and 1 for auc.
        inputs: The first input, (samples, ...): a model whose output has its shape is judged by reconstruction error.

    Raises:
        UsageError: The metric needs labels that the data do not have.
    """
    metric = metric or default_metric(labels, reference)
    count = len(reference)
    if metric == "sqnr":
        return Accuracy(metric, None, sqnr_db(reference, quantized), count)
    if metric == "agreement":
        return Accuracy(metric, None, float(np.mean(top1(reference) == top1(quantized))), count)
    if labels is None:
        fix = "add an array `labels` to the file, or use --metric sqnr or agreement"
        raise UsageError(f"the metric {metric} needs labels, and the evaluation data have none", fix=fix)
    if metric == "top1":
        scores = [float(np.mean(top1(y) == labels)) for y in (reference, quantized)]
    else:
        scores = [auc(anomaly_score(y, inputs), labels) for y in (reference, quantized)]
    return Accuracy(metric, scores[0], scores[1], count)


def top1(output: np.ndarray) -> np.ndarray:
    """Class with the largest score: (samples,)."""
    return output.reshape(len(output), -1).argmax(axis=1)


def sqnr_db(reference: np.ndarray, quantized: np.ndarray) -> float:
    """Signal to quantization noise ratio, 10 log10(sum r^2 / sum (r - q)^2), in dB; infinite where they are equal."""
    reference = reference.astype(np.float64)
    noise = float(np.square(reference - quantized).sum())
    signal = float(np.square(reference).sum())
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(signal / noise)) if signal else float("-inf")


def anomaly_score(output: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """(samples,): the reconstruction error of an autoencoder, the second of two classes, or the only output."""
    flat = output.reshape(len(output), -1)
    if flat.shape == inputs.reshape(len(inputs), -1).shape:
        return np.square(flat - inputs.reshape(len(inputs), -1)).mean(axis=1)
    return flat[:, min(1, flat.shape[1] - 1)]


def auc(score: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve: the share of (1, 0) pairs that the score puts in order, ties counting half.

    Raises:
        UsageError: The labels are not both 0 and 1.
    """
    from scipy.stats import rankdata

    positive = labels == 1
    count = int(positive.sum())
    if not 0 < count < len(labels) or not np.isin(labels, (0, 1)).all():
        raise UsageError("auc needs labels 0 and 1, both present", fix="use --metric top1 for classes")
    ranks = rankdata(score)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(labels) - count)))


def dequantize(outputs: Mapping[str, np.ndarray], name: str, scale: float, zero_point: int) -> np.ndarray:
    """Real values of one output."""
    return (outputs[name].astype(np.float64) - zero_point) * scale
