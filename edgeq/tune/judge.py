"""Judges quantized models by their answers, and ends early where an answer is hopeless."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.report.metrics import Accuracy, Metric, default_metric, measure
from edgeq.tune.losses import Form, drop, sample_losses
from edgeq.tune.prefixes import Prefixes, PrefixRunner

if TYPE_CHECKING:
    import onnx_ir as ir

CHUNK = 64
"""Samples between two looks."""

ERROR_RATE = 0.001
"""Chance that a trial is stopped whose loss would have come below the ceiling, over all looks."""


@dataclass(frozen=True)
class Judgement:
    """How far answers are from those of the float model.

    Attributes:
        loss, drop, samples: As in `Outcome`.
        stopped: Not all samples were looked at.
    """

    loss: float
    drop: float
    samples: int
    stopped: bool = False


class Judge:
    """Answers of the float model on samples, to compare quantized models with.

    Args:
        reference: Canonical float model; its first output counts.
        inputs: Per graph input, (samples, *input shape), in random order.
        labels: (samples,), where there are labels.
        metric: None chooses by the data.
    """

    def __init__(
        self,
        reference: ir.Model,
        inputs: Mapping[str, np.ndarray],
        labels: np.ndarray | None = None,
        metric: Metric | None = None,
    ) -> None:
        self._inputs, self._labels = dict(inputs), labels
        self._output = str(reference.graph.outputs[0].name)
        self._prefixes = Prefixes()
        self._exact = self._run(reference)
        self.metric = metric or default_metric(labels, self._exact)
        self._form = _form(reference, self.metric)

    def __len__(self) -> int:
        return len(self._exact)

    def judge(self, model: ir.Model, ceiling: float = math.inf) -> Judgement:
        """Runs a quantized model until all samples are done, or it is clear that its loss ends above a ceiling.

        After each chunk, the lower end of a confidence interval of the mean (normal, with the error rate split over
        the looks) is held against the ceiling.

        Source: Maron and Moore, "Hoeffding Races", NIPS 1993, section 2, with a normal bound in place of Hoeffding's.
        """
        runner, outputs = PrefixRunner(model, self._prefixes), self._exact[:0]
        looks = math.ceil(len(self) / CHUNK)
        for start in range(0, len(self), CHUNK):
            outputs = np.concatenate([outputs, runner.run(self._feeds(start, start + CHUNK), start)])
            losses = sample_losses(self._exact[: len(outputs)], outputs, self._form)
            if len(outputs) < len(self) and self._can_stop and _surely_above(losses, ceiling, ERROR_RATE / looks):
                return Judgement(float(losses.mean()), drop(self._accuracy(outputs)), len(outputs), stopped=True)
        return Judgement(float(losses.mean()), drop(self._accuracy(outputs)), len(outputs))

    def accuracy(self, model: ir.Model) -> Accuracy:
        """The metric on all samples."""
        return self._accuracy(self._run(model))

    @property
    def _can_stop(self) -> bool:
        """An area under a curve needs samples of both classes, which a chunk may not have."""
        return self.metric != "auc"

    def _run(self, model: ir.Model) -> np.ndarray:
        return FloatRunner(model).run(self._inputs)[self._output]

    def _feeds(self, start: int, stop: int) -> dict[str, np.ndarray]:
        return {name: array[start:stop] for name, array in self._inputs.items()}

    def _accuracy(self, outputs: np.ndarray) -> Accuracy:
        count = len(outputs)
        labels = None if self._labels is None else self._labels[:count]
        inputs = next(iter(self._inputs.values()))[:count]
        return measure(self.metric, self._exact[:count], outputs, labels, inputs)


def _form(reference: ir.Model, metric: Metric) -> Form:
    producer = reference.graph.outputs[0].producer()
    if producer is not None and producer.op_type == "Softmax":
        return "probabilities"
    return "scores" if metric in ("top1", "agreement") else "values"


def _surely_above(losses: np.ndarray, ceiling: float, error_rate: float) -> bool:
    """Whether the mean of the population is above a ceiling, but for this chance of error."""
    margin = NormalDist().inv_cdf(1 - error_rate) * losses.std(ddof=1) / math.sqrt(len(losses))
    return bool(losses.mean() - margin > ceiling)
