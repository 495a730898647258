"""What the tests share: where the repository, the shipped example and the zoo of real models lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))


@dataclass(frozen=True)
class Example:
    """A model with its calibration inputs (no labels) and its evaluation set (with `labels`)."""

    model: Path
    calib: Path
    eval: Path


@pytest.fixture(scope="session")
def repo_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def digits() -> Example:
    """The shipped example."""
    data = ROOT / "calib_data/digits"
    return Example(ROOT / "examples/digits/digits.onnx", data / "calib.npz", data / "eval.npz")


@pytest.fixture(scope="session")
def zoo() -> Path:
    """The folder of real models, which is not part of a clone; `pytest_terminal_summary` says where it is absent."""
    if not ZOO.is_dir():
        pytest.skip(f"no model zoo at {ZOO}: set EDGEQ_ZOO to its folder")
    return ZOO


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Nobody should take a run without real models for a whole one."""
    if not ZOO.is_dir():
        terminalreporter.section("NO REAL MODELS", red=True)
        terminalreporter.line(f"There is no model zoo at {ZOO}: the tests over real networks were skipped.", red=True)
