"""A real network on processors with vectors: equal bytes on the interpreter, the host and what runs programs here."""

from __future__ import annotations

from pathlib import Path

import pytest
from tooling import need_board

import edgeq
from edgeq.run.device import devices_of
from edgeq.targets.load import load_target

TARGETS = ("cortex-a55", "cortex-a510", "rv64gcv", "x86-64-avx2", "x86-64-vnni")
MODEL = "sww"


@pytest.fixture(scope="module")
def quantized(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The QDQ model, which does not depend on the target."""
    data, out = zoo / MODEL, tmp_path_factory.mktemp("quantized") / f"{MODEL}.onnx"
    edgeq.quantize(data / "model.onnx", out, calibration=data / "calib.npz", preset="fast")
    return out


@pytest.mark.parametrize("target", TARGETS)
def test_equal_bytes(quantized: Path, zoo: Path, tmp_path: Path, target: str) -> None:
    devices = devices_of(load_target(target))
    if devices:
        need_board(load_target(target))
    out = edgeq.compile(quantized, target, out=tmp_path / "package").out
    verdict = edgeq.verify(out, 2, inputs=zoo / MODEL / "eval.npz")
    assert verdict["equal"], verdict
    assert verdict["runners"] == ["interpreter", "host", *devices[:1]]


def test_instructions_are_counted_by_kernel(quantized: Path, tmp_path: Path) -> None:
    """The kernels, their calls and nothing else are the whole."""
    need_board(load_target("cortex-a55"))
    cost = edgeq.bench(edgeq.compile(quantized, "cortex-a55", out=tmp_path / "package").out)
    kernels = sum(kernel["instructions"] for kernel in cost["kernels"])
    assert kernels < cost["instructions"] < kernels + 12 * len(cost["kernels"]) + 60
    assert cost["instructions"] == edgeq.bench(tmp_path / "package")["instructions"]
