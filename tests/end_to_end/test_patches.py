"""A package with patches: the board, the host and the interpreter agree, wherever inputs and outputs lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from tooling import need_board

import edgeq
from edgeq.package.read import read_package
from edgeq.targets.load import load_target

TEXT = """
<ir_version: 10, opset_import: ["" : 21]>
net (float[1, 2, 12, 12] image) => (float[1, 3] logits) {
    a = Conv<pads = [1, 1, 1, 1]>(image, w1)
    b = Relu(a)
    c = Conv<group = 8, pads = [1, 1, 1, 1], strides = [2, 2]>(b, w2)
    d = GlobalAveragePool(c)
    e = Flatten(d)
    logits = MatMul(e, w3)
}
"""
WEIGHTS = {"w1": (8, 2, 3, 3), "w2": (8, 1, 3, 3), "w3": (8, 3)}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    proto, rng = onnx.parser.parse_model(TEXT), np.random.default_rng(0)
    for name, shape in WEIGHTS.items():
        array = rng.normal(size=shape).astype(np.float32)
        proto.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    path = tmp_path_factory.mktemp("model") / "net.onnx"
    onnx.save(proto, path)
    return path


@pytest.mark.parametrize("io", ["arena", "caller"])
def test_patches_run_everywhere_with_equal_bytes(model: Path, tmp_path: Path, io: str) -> None:
    need_board(load_target("cortex-m4"))
    images = np.random.default_rng(1).normal(size=(8, 2, 12, 12)).astype(np.float32)
    plain, patched = (
        edgeq.compile(model, "cortex-m4", calibration={"image": images}, out=tmp_path / patch, io=io, patch=patch)
        for patch in ("off", "on")
    )
    assert plain.report["memory"]["patches"] is None
    assert patched.report["memory"]["patches"]["extra_macs"] == patched.report["macs"] - plain.report["macs"] > 0
    assert patched.report["memory"]["ram_bytes"]["total"] < plain.report["memory"]["ram_bytes"]["total"]
    assert read_package(patched.out).manifest.patches is not None
    assert edgeq.verify(patched.out, samples=2)["equal"]
