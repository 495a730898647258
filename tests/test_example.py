"""The shipped example is what its manifest says, and small and accurate enough to show something."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import Example


@pytest.fixture
def manifest(repo_root: Path) -> dict[str, Any]:
    """What the manifests of all data sets say."""
    files = (repo_root / "calib_data").glob("*/manifest.toml")
    return {name: entry for file in files for name, entry in tomllib.loads(file.read_text()).items()}


def test_manifest_names_every_data_set_with_source_and_licence(repo_root: Path, manifest: dict[str, Any]) -> None:
    assert set(manifest) == {folder.name for folder in (repo_root / "calib_data").iterdir() if folder.is_dir()}
    for entry in manifest.values():
        assert all(entry[key] for key in ("source", "licence", "changes", "made_by"))


def test_manifest_checksums_hold(repo_root: Path, manifest: dict[str, Any]) -> None:
    for name, entry in manifest.items():
        folder = repo_root / "calib_data" / name
        found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.npz")}
        assert found == entry["files"]


def test_model_is_small_and_valid_with_explicit_batch_normalization(digits: Example) -> None:
    assert digits.model.stat().st_size < 200_000
    model = onnx.load(digits.model)
    onnx.checker.check_model(model, full_check=True)
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("BatchNormalization") == operators.count("Conv") == 5


def test_data_fits_the_model_and_the_sets_are_disjoint(digits: Example) -> None:
    calib, evaluation = np.load(digits.calib), np.load(digits.eval)
    assert calib.files == ["image"] and evaluation.files == ["image", "labels"]
    images = np.concatenate([calib["image"], evaluation["image"]])
    assert images.dtype == np.float32 and images.shape[1:] == (1, 8, 8)
    assert len(np.unique(images, axis=0)) == len(images)


def test_float_accuracy_is_the_stated_one(digits: Example, manifest: dict[str, Any]) -> None:
    session = onnxruntime.InferenceSession(digits.model)
    data = np.load(digits.eval)
    answers = np.array([session.run(None, {"image": image[None]})[0].argmax() for image in data["image"]])
    accuracy = float((answers == data["labels"]).mean())
    assert accuracy >= 0.97
    # One image more or less: another processor's rounding may decide a tie differently.
    assert accuracy == pytest.approx(manifest["digits"]["float_accuracy"], abs=1.01 / len(answers))
