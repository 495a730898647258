"""A package that is not as edgeq wrote it is told by file and reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeq.errors import EdgeqError, UsageError
from edgeq.package.build import build_package
from edgeq.package.manifest import KernelEntry, PortEntry
from edgeq.package.read import read_package
from edgeq.package.source import PackageSource
from edgeq.package.write import write_package


@pytest.fixture
def package(source: PackageSource, tmp_path: Path) -> Path:
    write_package(build_package(source), tmp_path / "toy")
    return tmp_path / "toy"


def test_reads_back(package: Path, source: PackageSource) -> None:
    opened = read_package(package)
    assert (opened.manifest.name, opened.manifest.target, opened.manifest.emit) == ("toy", "cortex-m4", "c")
    assert opened.manifest.inputs[0] == PortEntry("class", "class_2", "uint8", (1, 2, 2, 2), 8, 0.0039215689, 128, None)
    assert opened.manifest.kernels[2] == KernelEntry(2, "toy_k1", "backwards", "b3", 32, None, 10)
    assert opened.manifest.kernels[3] == KernelEntry(3, "toy_k2", "class", "b2", None, "out_0", 3)
    assert opened.qdq_model.read_bytes() == source.qdq_model
    assert opened.read("program.txt") == source.program_text.encode()
    assert opened.manifest.files.keys() == build_package(source).keys() - {"manifest.json"}


@pytest.mark.parametrize("path", ["selftest.c", "model.qdq.onnx", "src/toy_data.c"])
def test_a_changed_or_missing_file_is_named(package: Path, path: str) -> None:
    (package / path).write_bytes(b"x")
    with pytest.raises(EdgeqError, match=f"changed or damaged.*{path}"):
        read_package(package)
    (package / path).unlink()
    with pytest.raises(EdgeqError, match=f"missing.*{path}"):
        read_package(package)


def test_no_package(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not an edgeq package"):
        read_package(tmp_path / "nothing")


def edit(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        manifest[key] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit("format", "edgeq-package-99"), "not of the format 'edgeq-package-1'"),
        (edit("name", 7), "top level: name: expected a string, found 7"),
        (edit("arena_bytes", True), "top level: arena_bytes: expected an integer, found True"),
        (edit("arena_bytes", 1.5), "top level: arena_bytes: expected an integer, found 1.5"),
        (edit("inputs", {}), "top level: inputs: expected a list, found {}"),
        (edit("inputs", [3]), r"top level: inputs\[0\]: expected an object"),
        (edit("outputs", [{"name": "y"}]), r"top level: outputs\[0\]: 'c_name' is missing"),
        (edit("files", {"a": None}), r"top level: files\['a'\]: expected a string"),
        (edit("files", {"../../etc/passwd": ""}), "outside the package"),
        (edit("files", {"/etc/passwd": ""}), "outside the package"),
        (lambda manifest: manifest.pop("kernels"), "top level: 'kernels' is missing"),
        (lambda manifest: manifest["kernels"][0].update(port=3), r"kernels\[0\]: port: expected a string, found 3"),
    ],
)
def test_a_malformed_manifest_is_explained(
    package: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    change(manifest)
    (package / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(EdgeqError, match=message):
        read_package(package)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"[" * 100_000])
def test_a_manifest_that_is_not_json(package: Path, data: bytes) -> None:
    (package / "manifest.json").write_bytes(data)
    with pytest.raises(EdgeqError, match="the manifest is malformed"):
        read_package(package)
