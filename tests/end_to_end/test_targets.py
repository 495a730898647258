"""Real networks on every target: equal bytes on the interpreter, the host and whatever runs the target's programs here.

Each network is on one target at least and each target has one; all pairs are for `tools/bench_targets`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from end_to_end.test_zoo import DATA_OF, MODELS
from tooling import need_board

import edgeq
from edgeq.run.device import devices_of
from edgeq.targets.load import all_targets, load_target

MATRIX = {
    "cortex-a510": "resnet_large",
    "cortex-a53": "dscnn",
    "cortex-a55": "resnet8",
    "cortex-m0": "sww",
    "cortex-m0plus": "mnist_cntk",
    "cortex-m3": "autoencoder",
    "cortex-m33": "mnist_mbv2_torch",
    "cortex-m4": "mnist_cntk",
    "cortex-m55": "vww",
    "cortex-m7": "dscnn_nchw_bn",
    "cortex-m85": "sww",
    "rv32imac": "autoencoder",
    "rv32imc": "dscnn",
    "rv64gc": "mnist_cntk",
    "rv64gcv": "vww_nchw_bn",
    "x86-64-avx2": "resnet8_nchw_bn",
    "x86-64-vnni": "sww",
}
CALIBRATION = 16


@pytest.fixture(scope="module")
def quantized(request: pytest.FixtureRequest, zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The QDQ model of a test's target, which does not depend on it."""
    model, out = MATRIX[request.param], tmp_path_factory.mktemp("quantized") / "model.onnx"
    with np.load(zoo / DATA_OF.get(model, model) / "calib.npz") as arrays:
        samples = {name: arrays[name][:CALIBRATION] for name in arrays.files}
    edgeq.quantize(zoo / model / "model.onnx", out, calibration=samples, preset="fast")
    return out


def test_the_matrix_has_every_model_and_every_target() -> None:
    assert set(MATRIX) == {target.name for target in all_targets() if target.emulator or target.linux}
    assert set(MATRIX.values()) == set(MODELS)


@pytest.mark.parametrize(("quantized", "target"), zip(MATRIX, MATRIX, strict=True), indirect=["quantized"], ids=MATRIX)
def test_equal_bytes(quantized: Path, zoo: Path, tmp_path: Path, target: str) -> None:
    model, devices = MATRIX[target], devices_of(load_target(target))
    if devices:
        need_board(load_target(target))
    out = edgeq.compile(quantized, target, out=tmp_path / "package").out
    verdict = edgeq.verify(out, 2, inputs=zoo / DATA_OF.get(model, model) / "eval.npz")
    assert verdict["equal"], verdict
    assert verdict["runners"] == ["interpreter", "host", *devices[:1]]


@pytest.mark.parametrize("quantized", ["x86-64-vnni"], indirect=True)
def test_instructions_are_counted_by_kernel(quantized: Path, tmp_path: Path) -> None:
    """The kernels, their calls and nothing else are the whole."""
    need_board(load_target("cortex-a55"))
    cost = edgeq.bench(edgeq.compile(quantized, "cortex-a55", out=tmp_path / "package").out)
    kernels = sum(kernel["instructions"] for kernel in cost["kernels"])
    assert kernels < cost["instructions"] < kernels + 12 * len(cost["kernels"]) + 60
    assert cost["instructions"] == edgeq.bench(tmp_path / "package")["instructions"]
