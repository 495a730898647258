"""`edgeq debug` on a model, on what `quantize` wrote, and on a package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Example

from .conftest import Call

STAGES = [
    "naive",
    "+ equalize_layers",
    "+ smooth_norms",
    "+ reparameterize_norms",
    "+ correct_bias",
    "+ round_per_layer",
]


def run(call: Call, *args: object) -> dict:
    result = call("debug", *args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_float_model_with_attribution(call: Call, digits: Example) -> None:
    found = run(call, digits.model, "--calib", digits.calib, "--eval", digits.eval, "--attribute")
    assert found["compared"] == "weights and activations" and found["samples"] == 16
    assert all(layer["weight_sqnr_db"] > 30 for layer in found["layers"] if layer["op"] in ("Conv", "Gemm"))
    assert [stage["stage"] for stage in found["attribution"]] == STAGES
    assert all(stage["metric"] == "top1" and stage["quantized"] > 0.95 for stage in found["attribution"])


def test_attribution_of_rounding(call: Call, digits: Example) -> None:
    """At two bits each stage gives something, and rounding that is chosen by layer the most."""
    width = ("--calib", digits.calib, "--eval", digits.eval, "--weight-bits", 2, "--attribute")
    stages = {stage["stage"]: stage["sqnr_db"] for stage in run(call, digits.model, *width)["attribution"]}
    assert list(stages) == STAGES
    assert stages["+ correct_bias"] > stages["naive"] + 1
    assert stages["+ round_per_layer"] > stages["+ correct_bias"] + 1
    shown = call("debug", digits.model, *width)
    assert "float" in shown.output and "round_per_layer" in shown.output


@pytest.mark.parametrize("form", ["quantize", "compile"])
def test_quantized_forms(call: Call, digits: Example, tmp_path: Path, form: str) -> None:
    made = tmp_path / ("q.onnx" if form == "quantize" else "package")
    assert call(form, digits.model, "--calib", digits.calib, "-o", made).exit_code == 0
    found = run(call, made, "--calib", digits.calib)
    assert found["compared"] == "activations" and found["attribution"] == []
    assert all(layer["weight_sqnr_db"] is None and layer["own_sqnr_db"] > 25 for layer in found["layers"])


def test_tables(call: Call, digits: Example) -> None:
    result = call("debug", digits.model, "--calib", digits.calib)
    assert result.exit_code == 0
    text = " ".join(result.output.split())  # whatever the width of the terminal
    assert "only this layer is quantized" in text and "Conv" in text
