"""Every zoo model loads, with one form, and computes what it did."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from frontend.graphs import difference, run

from edgeq.frontend import load_model
from edgeq.frontend.survey import survey
from edgeq.passes.fold_batchnorm import META_KEY

# Samples, MACs as the zoo's README states them, and the operators that remain.
COMMON = {"Conv", "Relu", "Gemm", "Reshape", "Flatten", "Softmax", "AveragePool", "Add", "Transpose"}
MODELS = {
    "autoencoder": ("autoencoder", 0.264e6, {"Gemm", "Relu"}),
    "dscnn": ("dscnn", 2.657e6, COMMON - {"Add", "Transpose"}),
    "dscnn_nchw_bn": ("dscnn_nchw_bn", 2.657e6, COMMON - {"Add", "Transpose"}),
    "mnist_cntk": ("mnist_cntk", 0.787e6, {"Conv", "Relu", "MaxPool", "Reshape", "Gemm"}),
    "mnist_mbv2_torch": ("mnist_mbv2_torch", 1.041e6, {"Conv", "Clip", "Add", "GlobalAveragePool", "Reshape", "Gemm"}),
    "resnet8": ("resnet8", 12.50e6, COMMON),
    "resnet8_nchw_bn": ("resnet8_nchw_bn", 12.50e6, COMMON - {"Transpose"}),
    "resnet_large": ("resnet8", 76.5e6, COMMON),
    "sww": ("sww", 0.826e6, COMMON - {"Add", "Transpose"}),
    "vww": ("vww", 7.490e6, COMMON - {"Add"}),
    "vww_nchw_bn": ("vww_nchw_bn", 7.490e6, COMMON - {"Add", "Transpose"}),
}


@cache
def loaded(path: Path) -> ir.Model:
    return load_model(path)


@pytest.mark.parametrize("name", MODELS)
def test_model_loads_and_keeps_its_function(zoo: Path, name: str) -> None:
    data, macs, operators = MODELS[name]
    path = zoo / name / "model.onnx"
    model = loaded(path)
    nodes = survey(model)
    assert {node.op for node in nodes} <= operators
    assert sum(node.op == "Transpose" for node in nodes) <= 1
    assert sum(node.macs for node in nodes) == pytest.approx(macs, rel=2e-3)
    assert not [node for node in nodes if node.unsupported_reason or node.shape is None]
    with np.load(zoo / data / "calib.npz") as samples:
        feeds = {value.name: samples[value.name] for value in model.graph.inputs}
    for index in range(3):
        sample = {key: array[index : index + 1] for key, array in feeds.items()}
        assert difference(run(str(path), sample), run(model, sample)) < 1e-4


def test_every_folded_batchnorm_leaves_its_statistics(zoo: Path) -> None:
    path = zoo / "resnet8_nchw_bn/model.onnx"
    stored = [node for node in onnx.load(path).graph.node if node.op_type == "BatchNormalization"]
    model = loaded(path)
    found = [value.meta[META_KEY] for node in model.graph for value in node.outputs if META_KEY in value.meta]
    assert len(found) == len(stored) == 7
    assert all(bn.gamma.shape == bn.beta.shape == bn.mean.shape == bn.variance.shape for bn in found)


def test_node_names_survive(zoo: Path) -> None:
    path = zoo / "autoencoder/model.onnx"
    known = {node.name for node in onnx.load(path).graph.node}
    assert {node.name for node in loaded(path).graph} <= known
