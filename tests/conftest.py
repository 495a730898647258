"""What the tests share: where the repository, the shipped example and the zoo of real models lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
    """The folder of real models; skips where there is none (a user's clone), fails in CI."""
    folder = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
    if not folder.is_dir():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"no model zoo at {folder}: set EDGEQ_ZOO to its folder")
    return folder
