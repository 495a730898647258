"""The header, the call sequence and the other generated texts, as a person reads them.

After a wanted change: EDGEQ_UPDATE_GOLDEN=1 pytest tests/package/test_golden_text.py, and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeq.package.build import build_package
from edgeq.package.source import PackageSource

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    "path",
    ["include/toy.h", "src/toy.c", "src/toy_private.h", "src/toy_data.c", "CMakeLists.txt", "main.c", "manifest.json"],
)
def test_text(source: PackageSource, path: str) -> None:
    check(source, path, GOLDEN)


@pytest.mark.parametrize("path", ["include/toy.h", "src/toy.c", "main.c", "manifest.json"])
def test_text_with_inputs_and_outputs_in_the_arena(arena_source: PackageSource, path: str) -> None:
    check(arena_source, path, GOLDEN / "arena")


def check(source: PackageSource, path: str, folder: Path) -> None:
    text = build_package(source)[path].decode("ascii")
    golden = folder / Path(path).name
    if os.environ.get("EDGEQ_UPDATE_GOLDEN"):
        golden.write_text(text, encoding="ascii")
    assert text == golden.read_text(encoding="ascii")


def test_equal_sources_make_equal_packages(source: PackageSource) -> None:
    first, second = build_package(source), build_package(source)
    assert list(first) == list(second)
    assert first == second
