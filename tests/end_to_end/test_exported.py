"""What PyTorch's two exporters write of attention, encoders and recurrent layers (`tools/export_samples`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from program.pipeline import compile_graph

from edgeq.frontend import load_model
from edgeq.lower.lower import lower
from edgeq.program.interpreter import interpret
from edgeq.report.conformance import compare_with_onnxruntime
from edgeq.run.host import HostRunner
from edgeq.targets.load import load_target

EXPORTED = sorted((Path(__file__).parents[1] / "exported").glob("*.onnx"))
SAMPLES = 16


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


def test_every_network_was_exported_twice() -> None:
    names = {path.stem.rpartition("_")[0] for path in EXPORTED}
    assert len(names) == 6 and len(EXPORTED) == 2 * len(names)


def _samples(value: ir.Value) -> np.ndarray:
    assert value.shape is not None and value.dtype is not None
    rng, shape = np.random.default_rng(0), (SAMPLES, *value.shape.numpy())
    return rng.integers(0, 20, shape) if value.dtype.is_integer() else rng.normal(size=shape).astype(np.float32)
