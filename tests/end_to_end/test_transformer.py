"""The shipped transformers and recurrent networks, from torch's export to a board."""

from __future__ import annotations

from pathlib import Path

import pytest
from tooling import need_board

import edgeq
from edgeq.targets.load import load_target


@pytest.mark.parametrize(
    ("model", "data", "weight_bits", "most", "kernels"),
    [
        ("digits/vit", "digits", 8, 0.005, {"layer_norm", "matmul", "softmax", "lut"}),
        ("names/names", "names", 4, 0.02, {"gather", "layer_norm", "matmul", "softmax", "lut"}),
        ("digits/lstm", "digits", 8, 0.005, {"recurrent"}),
    ],
)
def test_network_keeps_its_accuracy_and_its_bytes(
    repo_root: Path, tmp_path: Path, model: str, data: str, weight_bits: int, most: float, kernels: set[str]
) -> None:
    need_board(load_target("cortex-m4"))
    samples = repo_root / "calib_data" / data
    done = edgeq.compile(
        repo_root / f"examples/{model}.onnx",
        "cortex-m4",
        calibration=samples / "calib.npz",
        evaluation=samples / "eval.npz",
        out=tmp_path / "package",
        weight_bits=weight_bits,
    )
    accuracy = done.report["accuracy"]
    assert accuracy["quantized"] >= accuracy["float"] - most
    assert kernels <= {layer["op"] for layer in done.report["layers"]}
    assert edgeq.verify(done.out, samples=2)["equal"]
