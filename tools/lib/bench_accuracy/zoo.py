"""Where the benchmark's models and data lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench_accuracy.cells import DATA_OF

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Entry:
    """A float model, its calibration inputs, and its evaluation set (with `labels` where the data have them)."""

    model: Path
    calib: Path
    eval: Path


def zoo_entry(name: str) -> Entry:
    """A model of the folder in EDGEQ_ZOO, or of ../shared/zoo beside the repository."""
    folder = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
    data = folder / DATA_OF.get(name, name)
    return Entry(folder / name / "model.onnx", data / "calib.npz", data / "eval.npz")


def load_inputs(file: Path) -> tuple[str, np.ndarray]:
    """Name and samples, (samples, *shape), of the one input of a zoo model."""
    with np.load(file) as arrays:
        (name,) = (name for name in arrays if name != "labels")
        return name, arrays[name]


def load_labels(file: Path) -> np.ndarray | None:
    """(samples,), or None where the data have none."""
    with np.load(file) as arrays:
        return arrays.get("labels")
