"""Makes a firmware package, complete in memory: equal sources give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgeq.package.archive import Member, archive
from edgeq.package.manifest import MANIFEST, describe, dump_json, dump_manifest
from edgeq.package.page import report_page
from edgeq.package.render import render
from edgeq.package.source import PackageSource

if TYPE_CHECKING:
    from edgeq.lower.objects import KernelObject

QDQ_MODEL = "model.qdq.onnx"
PROGRAM_TEXT = "program.txt"
REPORT = "report.json"
PAGE = "report.html"


def build_package(source: PackageSource) -> dict[str, bytes]:
    """Every file of the package, by its path relative to the package's folder."""
    files = {path: text.encode("ascii") for path, text in render(source).items()}
    files |= _kernels(source.name, source.kernels)
    files[QDQ_MODEL] = source.qdq_model
    files[PROGRAM_TEXT] = source.program_text.encode()
    files[REPORT] = dump_json(source.report)
    files[PAGE] = report_page(source.report).encode()
    files[MANIFEST] = dump_manifest(describe(source).with_files(files))
    return files


def _kernels(name: str, kernels: Sequence[KernelObject] | Mapping[str, str]) -> dict[str, bytes]:
    if isinstance(kernels, Mapping):
        return {f"src/{file}": text.encode("ascii") for file, text in kernels.items()}
    members = [Member(f"{kernel.symbol}.o", kernel.elf, (kernel.symbol,)) for kernel in kernels]
    return {f"lib/lib{name}.a": archive(members)}
