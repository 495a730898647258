"""Models of the zoo and their samples."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.prediction import prediction_difference
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend import load_model
from edgeq.quantizer import read_samples

ROOT = Path(__file__).resolve().parents[3]
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
MODELS = ("mnist_mbv2_torch", "dscnn", "resnet8")


@dataclass(frozen=True, eq=False)
class Task:
    """A model, and what it is quantized and judged with.

    Attributes:
        feeds: Evaluation samples, by input.
        expected: Probabilities that the float model gives them, (samples, classes).
        labels: (samples,).
    """

    name: str
    model: ir.Model
    calibration: Samples
    feeds: dict[str, np.ndarray]
    expected: np.ndarray
    labels: np.ndarray

    def judge(self, quantized: ir.Model) -> tuple[float, float]:
        """Kullback-Leibler divergence from the float model's answers, and the share of right ones."""
        got = probabilities(quantized, self.feeds)
        loss = prediction_difference(self.expected, got, probabilities=True)
        return loss, float(np.mean(got.argmax(axis=1) == self.labels))


@cache
def task(name: str, most: int) -> Task:
    """The task of this model, with at most so many evaluation samples, all of the first half."""
    model = load_model(ZOO / name / "model.onnx")
    specs = input_specs(model)
    samples = read_samples(ZOO / name / "eval.npz", specs)
    assert samples.labels is not None
    count = min(most, len(samples) // 2)
    feeds = next(iter(samples.batches(count)))
    calibration = read_samples(ZOO / name / "calib.npz", specs)
    return Task(name, model, calibration, feeds, probabilities(model, feeds), samples.labels[:count])


def probabilities(model: ir.Model, feeds: dict[str, np.ndarray]) -> np.ndarray:
    """Of the first output, (samples, classes)."""
    runner = FloatRunner(model)
    return probabilities_of(runner.run(feeds)[runner.outputs[0]])


def probabilities_of(answers: np.ndarray) -> np.ndarray:
    """(samples, classes): answers that are none yet go through softmax."""
    flat = answers.reshape(len(answers), -1).astype(np.float64)
    if flat.min() >= 0 and np.allclose(flat.sum(axis=1), 1, atol=0.1):
        return flat
    powers = np.exp(flat - flat.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
