"""What PyTorch's two exporters write of attention, encoders and recurrent layers (`tools/export_samples`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from program.pipeline import compile_graph
from tooling import need_board, need_tools

import edgeq
from edgeq.calibrate.float_runner import run
from edgeq.config import Config
from edgeq.frontend import load_model
from edgeq.lower.lower import lower
from edgeq.passes.presets import Preset
from edgeq.program.interpreter import interpret
from edgeq.progress import silent
from edgeq.quantizer import quantize
from edgeq.report.conformance import compare_with_onnxruntime
from edgeq.run.device import devices_of
from edgeq.run.host import HostRunner
from edgeq.targets.load import load_target

EXPORTED = sorted((Path(__file__).parents[1] / "exported").glob("*.onnx"))
SAMPLES = 16
FAMILIES = {
    "cortex-m55": "encoder_layer_torchscript",
    "rv32imc": "masked_tokens_dynamo",
    "cortex-a53": "lstm_torchscript",
    "x86-64-avx2": "gru_dynamo",
    "fpga-hls": "encoder_layer_dynamo",
}
"""Targets of each family, beside Cortex-M4, which has the shipped networks (`test_transformer`)."""


@pytest.mark.parametrize("path", EXPORTED, ids=lambda path: path.stem)
def test_exported_networks_compile_with_equal_bytes(path: Path) -> None:
    model = load_model(path)
    (value,) = model.graph.inputs
    compiled = compile_graph(ir.to_proto(model), {"x": _samples(value)})
    found = compare_with_onnxruntime(compiled.model, compiled.built, compiled.real, compiled.integers)
    assert found.max_steps <= 1, found.layers
    expected = interpret(compiled.program, compiled.integers)
    got = HostRunner(lower(compiled.program, load_target("host"))).run(compiled.integers)
    for name, array in expected.items():
        assert array.tobytes() == got[name].tobytes(), name


@pytest.mark.parametrize(("target", "name"), FAMILIES.items())
def test_every_family_gives_the_interpreters_bytes(tmp_path: Path, target: str, name: str) -> None:
    devices, path = devices_of(load_target(target)), EXPORTED[0].with_name(f"{name}.onnx")
    if devices:
        need_board(load_target(target))
    else:
        need_tools("g++", "make")
    (value,) = load_model(path).graph.inputs
    made = edgeq.compile(path, target, calibration={"x": _samples(value)}, preset="fast", out=tmp_path / "package")
    verdict = edgeq.verify(made.out, 2)
    assert verdict["equal"], verdict


@pytest.mark.parametrize("preset", ["fast", "balanced", "best"])
def test_presets_take_a_network_that_is_one_recurrent_layer(preset: Preset) -> None:
    path = EXPORTED[0].with_name("lstm_torchscript.onnx")
    (value,) = load_model(path).graph.inputs
    samples = _samples(value)
    made = quantize(path, Config(calib={"x": samples}, preset=preset), silent)
    exact, found = (next(iter(run(model, {"x": samples}).values())) for model in (made.reference, made.model))
    assert np.abs(exact - found).max() < 0.02


def test_every_network_was_exported_twice() -> None:
    names = {path.stem.rpartition("_")[0] for path in EXPORTED}
    assert len(names) == 6 and len(EXPORTED) == 2 * len(names)


def _samples(value: ir.Value) -> np.ndarray:
    assert value.shape is not None and value.dtype is not None
    rng, shape = np.random.default_rng(0), (SAMPLES, *value.shape.numpy())
    return rng.integers(0, 20, shape) if value.dtype.is_integer() else rng.normal(size=shape).astype(np.float32)
