"""The plain path on real networks: as QDQ ONNX they still do their work."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend.load import load_model as load_uncached
from edgeq.passes.recipes import quantize_passes
from edgeq.pipeline import run_passes

from .graphs import sqnr_db

load_model = cache(load_uncached)

MODELS = (
    ("autoencoder", 30.0, 0.0),
    ("dscnn", 20.0, 0.97),
    ("dscnn_nchw_bn", 20.0, 0.97),
    ("mnist_cntk", 30.0, 0.98),
    ("mnist_mbv2_torch", 25.0, 0.97),
    ("resnet8", 20.0, 0.95),
    ("resnet8_nchw_bn", 20.0, 0.95),
    ("resnet_large", 20.0, 0.95),
    ("sww", 25.0, 0.97),
    ("vww", 20.0, 0.97),
    ("vww_nchw_bn", 20.0, 0.97),
)
"""Model, least output SQNR in dB, least share of equal top-1 answers."""


@pytest.mark.parametrize(("name", "least_sqnr", "least_agreement"), MODELS, ids=[m[0] for m in MODELS])
def test_zoo_model(zoo: Path, name: str, least_sqnr: float, least_agreement: float) -> None:
    data = zoo / (name if name != "resnet_large" else "resnet8")
    model = load_model(zoo / name / "model.onnx")
    specs = input_specs(model)
    passes = quantize_passes(load_samples(data / "calib.npz", specs).first(64))
    qdq, _ = run_passes(model.clone(), passes)
    onnx.checker.check_model(ir.to_proto(qdq), full_check=True)

    batch = next(load_samples(data / "eval.npz", specs).first(100).batches(100))
    (reference,), (result,) = (FloatRunner(m).run(batch).values() for m in (model, qdq))
    assert sqnr_db(reference, result) > least_sqnr
    answers = [a.reshape(len(a), -1).argmax(axis=1) for a in (reference, result)]
    assert (answers[0] == answers[1]).mean() >= least_agreement


def test_resnet8_keeps_its_accuracy(zoo: Path) -> None:
    model = load_model(zoo / "resnet8/model.onnx")
    specs = input_specs(model)
    qdq, _ = run_passes(model.clone(), quantize_passes(load_samples(zoo / "resnet8/calib.npz", specs).first(128)))
    samples = load_samples(zoo / "resnet8/eval.npz", specs).first(500)
    assert samples.labels is not None
    (batch,) = samples.batches(500)
    outputs = [next(iter(FloatRunner(m).run(batch).values())) for m in (model, qdq)]
    top1 = [(output[:, 0].argmax(axis=1) == samples.labels).mean() for output in outputs]
    assert top1[0] > 0.85
    assert abs(top1[1] - top1[0]) <= 0.015


def test_biases_of_almost_zero_channels_fit(zoo: Path) -> None:
    """vww has channels with weights near 1e-30 beside ordinary biases: both must survive as integers."""
    model = load_model(zoo / "vww/model.onnx")
    floats = {node.name: [value.const_value.numpy() for value in node.inputs[1:]] for node in convs(model)}
    samples = load_samples(zoo / "vww/calib.npz", input_specs(model)).first(4)
    qdq, _ = run_passes(model.clone(), quantize_passes(samples))
    seen = 0
    for node in convs(qdq):
        weight, bias = floats[node.name]
        stored, scale = (value.const_value.numpy().astype(np.float64) for value in node.inputs[2].producer().inputs)
        np.testing.assert_array_less(np.abs(stored), 2**29 + 64)
        np.testing.assert_array_less(np.abs(stored * scale - bias), 0.501 * scale)
        seen += int(((np.abs(weight).reshape(len(weight), -1).max(axis=1) < 1e-20) & (bias != 0)).sum())
    assert seen > 100, "the case is gone"


def convs(model: ir.Model) -> list[ir.Node]:
    return [node for node in model.graph if node.op_type == "Conv"]
