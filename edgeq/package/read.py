"""Reads a package back from disk, for the runners."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from edgeq.errors import EdgeqError, UsageError
from edgeq.package.build import QDQ_MODEL
from edgeq.package.manifest import MANIFEST, Manifest, load_manifest
from edgeq.package.schema import SchemaError

_REMAKE = "make the package again with `edgeq compile`"


@dataclass(frozen=True)
class Package:
    """A package on disk whose files are those that edgeq wrote.

    Attributes:
        directory: Its folder.
        manifest: What it holds.
    """

    directory: Path
    manifest: Manifest

    @property
    def qdq_model(self) -> Path:
        """The quantized ONNX model."""
        return self.directory / QDQ_MODEL

    def read(self, path: str) -> bytes:
        """Content of one file."""
        return (self.directory / path).read_bytes()


def read_package(directory: Path) -> Package:
    """Opens a package and checks every file against its manifest.

    Raises:
        UsageError: There is no package.
        EdgeqError: The manifest is malformed, or a file is missing or differs from its sha256.
    """
    manifest_path = directory / MANIFEST
    if not manifest_path.is_file():
        raise UsageError("not an edgeq package: it has no manifest.json", file=directory, fix="edgeq compile -o DIR")
    try:
        manifest = load_manifest(manifest_path.read_bytes())
    except SchemaError as error:
        raise EdgeqError(f"the manifest is malformed: {error}", file=manifest_path, fix=_REMAKE) from error
    for path, digest in manifest.files.items():
        _check_file(directory, path, digest)
    return Package(directory, manifest)


def _check_file(directory: Path, path: str, digest: str) -> None:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise EdgeqError(f"the manifest names a file outside the package: {path!r}", file=directory, fix=_REMAKE)
    file = directory / path
    if not file.is_file():
        raise EdgeqError("a file of the package is missing", file=file, fix=_REMAKE)
    if sha256(file.read_bytes()).hexdigest() != digest:
        raise EdgeqError("a file of the package was changed or damaged", file=file, fix=_REMAKE)
