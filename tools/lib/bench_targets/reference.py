"""What no target changes: the quantized model, real samples as integers, and the interpreter's answers to them."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

import edgeq
from bench_targets.table import ROOT
from edgeq.program.interpreter import interpret
from edgeq.run.artifact import Artifact
from edgeq.run.run import read_inputs

ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
DATA_OF = {"resnet_large": "resnet8"}

SHIPPED = {"vit": "digits", "lstm": "digits", "gru": "digits", "names": "names"}
"""The folder, in examples and in calib_data, of each model that the zoo does not have."""

Tensors = dict[str, np.ndarray]
_answers: dict[str, tuple[Tensors, Tensors]] = {}


def every_model() -> list[str]:
    """The names of the models of the zoo, where it is, and of the shipped ones with other operators."""
    return [*sorted(path.parent.name for path in ZOO.glob("*/model.onnx")), *SHIPPED]


def data_of(model: str) -> Path:
    """The folder with a model's samples."""
    return ROOT / "calib_data" / SHIPPED[model] if model in SHIPPED else ZOO / DATA_OF.get(model, model)


def _file(model: str) -> Path:
    return ROOT / "examples" / SHIPPED[model] / f"{model}.onnx" if model in SHIPPED else ZOO / model / "model.onnx"


@cache
def quantized(model: str) -> bytes:
    """The QDQ model, made with default flags."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "qdq.onnx"
        edgeq.quantize(_file(model), out, calibration=data_of(model) / "calib.npz")
        return out.read_bytes()


def reference(model: str, artifact: Artifact, count: int) -> tuple[Tensors, Tensors]:
    """Inputs and expected outputs, (count, *port.shape) by port name: the same for every target, and computed once."""
    if model not in _answers:
        feeds, _ = read_inputs(artifact, data_of(model) / "eval.npz")
        inputs = {name: array[:count] for name, array in feeds.items()}
        _answers[model] = inputs, interpret(artifact.program, inputs)
    return _answers[model]
