"""The Python API: the verbs of the command line with their arguments as Python has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Example
from onnx import TensorProto, helper, save

import edgeq
from edgeq.config import Config
from edgeq.progress import silent


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Arguments of `compile_model`, which does nothing."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr("edgeq.compiler.compile_model", lambda *args: calls.append(args))
    return calls


def test_options_become_the_configuration(compiled: list[tuple[Any, ...]]) -> None:
    edgeq.compile("m.onnx", "cortex-m0", calibration="c.npz", out="out", max_flash="256K", shapes={"a": [1, 2]})
    config = Config("cortex-m0", calib=Path("c.npz"), out=Path("out"), max_flash=262144, shapes={"a": (1, 2)})
    assert compiled == [(Path("m.onnx"), config, silent)]


def test_wrong_option(compiled: list[tuple[Any, ...]]) -> None:
    with pytest.raises(edgeq.EdgeqError, match="unknown option 'max_flsh'"):
        edgeq.compile("m.onnx", max_flsh=1)
    assert not compiled


def test_arrays_by_name(compiled: list[tuple[Any, ...]]) -> None:
    images = np.zeros((3, 1, 8, 8), np.float32)
    edgeq.compile("m.onnx", calibration={"image": images})
    assert compiled[0][1].calib == {"image": images}


def test_lone_array_belongs_to_the_only_input(compiled: list[tuple[Any, ...]], digits: Example) -> None:
    images = np.zeros((3, 1, 8, 8), np.float32)
    edgeq.compile(digits.model, calibration=images)
    assert compiled[0][1].calib == {"image": images}


def test_lone_array_for_several_inputs_is_refused(compiled: list[tuple[Any, ...]], tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "aby"]
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["y"])], "g", values[:2], values[2:])
    save(helper.make_model(graph), tmp_path / "two.onnx")
    with pytest.raises(edgeq.EdgeqError, match="the model has 2 inputs"):
        edgeq.compile(tmp_path / "two.onnx", calibration=np.zeros((3, 1), np.float32))


def test_debug_names_the_layers(digits: Example) -> None:
    images = np.load(digits.calib)["image"][:16]
    found = edgeq.debug(digits.model, calibration=images, evaluation=images, weight_bits=4, preset="fast")
    convolutions = [layer for layer in found["layers"] if layer["op"] == "Conv"]
    assert convolutions and all(10 < layer["weight_sqnr_db"] < 35 for layer in convolutions)
    assert found["samples"] == 16 and not found["attribution"]


def test_quantize_and_inspect(digits: Example, tmp_path: Path) -> None:
    images = np.load(digits.calib)["image"][:16]
    report = edgeq.quantize(digits.model, tmp_path / "q.onnx", calibration=images)
    assert report["warnings"] == []
    found = edgeq.inspect(tmp_path / "q.onnx")
    assert found["inputs"] == {"image": [1, 1, 8, 8]}
    assert "QuantizeLinear" in {node["op"] for node in found["nodes"]}
