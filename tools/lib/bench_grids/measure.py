"""One model with its weights on one grid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend import load_model
from edgeq.passes.simulate_grid import SimulateGrid
from edgeq.quant.grids import FAMILIES, minifloats
from edgeq.report.metrics import measure

ROOT = Path(__file__).resolve().parents[3]
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
DATA = {"resnet_large": "resnet8"}
WIDTHS = (8, 6, 4, 3, 2)
MOST_SAMPLES = 500

Row = dict[str, str]


def grids(bits: int) -> Iterator[str]:
    """The families, and each split of a minifloat by itself."""
    yield from FAMILIES
    yield from (codebook.name for codebook in minifloats(bits))


class Subject:
    """A float model of the zoo and the first samples of its evaluation data."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.model = load_model(ZOO / name / "model.onnx")
        data = ZOO / DATA.get(name, name) / "eval.npz"
        samples = load_samples(data, input_specs(self.model)).first(MOST_SAMPLES)
        (self.inputs,) = samples.batches(MOST_SAMPLES)
        self.labels = samples.labels

    @cached_property
    def reference(self) -> np.ndarray:
        """What the float model answers."""
        return self._answers(FloatRunner(self.model))

    def row(self, grid: str, bits: int) -> Row:
        """What its weights lose on a grid; activations and biases stay float."""
        model = self.model.clone()
        SimulateGrid(grid, bits)(model)
        answers = self._answers(FloatRunner(model))
        (first,) = list(self.inputs.values())[:1]
        scored = measure(
            "top1" if self.labels is not None else "agreement", self.reference, answers, self.labels, first
        )
        return {
            "model": self.name,
            "bits": str(bits),
            "grid": grid,
            "samples": str(scored.samples),
            "sqnr_db": f"{measure('sqnr', self.reference, answers, None, first).quantized:.2f}",
            "metric": scored.metric,
            "float": "" if scored.float_value is None else f"{scored.float_value:.4f}",
            "value": f"{scored.quantized:.4f}",
        }

    def _answers(self, runner: FloatRunner) -> np.ndarray:
        return runner.run(self.inputs)[runner.outputs[0]]
