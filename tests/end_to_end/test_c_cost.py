"""A network as C, built by GCC -O2: the bytes of the objects, for at most a fifth more instructions."""

from __future__ import annotations

from pathlib import Path

from tooling import need_board

import edgeq
from edgeq.targets.load import load_target

MOST = 1.2
"""Instructions of C against those of the objects."""


def test_c_costs_what_objects_cost(zoo: Path, tmp_path: Path) -> None:
    need_board(load_target("cortex-m4"))
    data = zoo / "dscnn"
    model, samples = data / "model.onnx", data / "calib.npz"
    cost = {}
    for emit in ("lib", "c"):
        out = edgeq.compile(model, "cortex-m4", calibration=samples, out=tmp_path / emit, preset="fast", emit=emit).out
        cost[emit] = edgeq.bench(out)["instructions"]
    assert edgeq.verify(tmp_path / "c", 2)["equal"]
    assert cost["c"] <= MOST * cost["lib"]
