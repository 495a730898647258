"""A network as C, built by GCC -O2: the bytes of the objects, for at most a fifth more instructions."""

from __future__ import annotations

from pathlib import Path

import pytest
from tooling import need_board

import edgeq
from edgeq.targets.load import load_target

MOST = 1.2
"""Instructions of C against those of the objects."""


@pytest.fixture(scope="module")
def quantized(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dscnn in QDQ form, which does not depend on the target."""
    data, out = zoo / "dscnn", tmp_path_factory.mktemp("quantized") / "dscnn.onnx"
    edgeq.quantize(data / "model.onnx", out, calibration=data / "calib.npz", preset="fast")
    return out


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_c_costs_what_objects_cost(target: str, quantized: Path, tmp_path: Path) -> None:
    need_board(load_target(target))
    cost = {}
    for emit in ("lib", "c"):
        out = edgeq.compile(quantized, target, out=tmp_path / emit, emit=emit).out
        cost[emit] = edgeq.bench(out)["instructions"]
    assert edgeq.verify(tmp_path / "c", 2)["equal"]
    assert cost["c"] <= MOST * cost["lib"]
