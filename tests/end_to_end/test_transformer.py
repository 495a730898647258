"""The shipped vision transformer: class token, attention, normalization and GELU, from torch's export to a board."""

from __future__ import annotations

from pathlib import Path

import pytest
from tooling import need_board

import edgeq
from edgeq.targets.load import load_target


@pytest.mark.parametrize("weight_bits", [8, 4])
def test_transformer_keeps_its_accuracy_and_its_bytes(repo_root: Path, tmp_path: Path, weight_bits: int) -> None:
    need_board(load_target("cortex-m4"))
    model, data = repo_root / "examples/digits/vit.onnx", repo_root / "calib_data/digits"
    done = edgeq.compile(
        model,
        "cortex-m4",
        calibration=data / "calib.npz",
        evaluation=data / "eval.npz",
        out=tmp_path / "vit",
        weight_bits=weight_bits,
    )
    accuracy = done.report["accuracy"]
    assert accuracy["float"] >= 0.97
    assert accuracy["quantized"] >= accuracy["float"] - 0.0051  # three of 597 images
    assert {"layer_norm", "matmul", "softmax", "lut"} <= {layer["op"] for layer in done.report["layers"]}
    assert edgeq.verify(done.out, samples=2)["equal"]
