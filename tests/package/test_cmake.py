"""A firmware project takes a package with add_subdirectory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from package.toolchain import run

from edgeq.package.build import build_package
from edgeq.package.source import PackageSource
from edgeq.package.write import write_package

PROJECT = """\
cmake_minimum_required(VERSION 3.13)
project(firmware C)
add_subdirectory(toy)
add_executable(firmware toy/selftest.c)
target_compile_definitions(firmware PRIVATE EDGEQ_SELFTEST_MAIN EDGEQ_SELFTEST_PRINT)
target_link_libraries(firmware PRIVATE edgeq::toy)
"""


@pytest.mark.parametrize("emit", ["c", "lib"])
def test_add_subdirectory(
    source: PackageSource, library_source: Callable[..., PackageSource], tmp_path: Path, emit: str
) -> None:
    made = source if emit == "c" else library_source("gcc", target="host")
    write_package(build_package(made), tmp_path / "toy")
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    run("cmake", "-S", ".", "-B", "build", cwd=tmp_path)
    run("cmake", "--build", "build", cwd=tmp_path)
    assert run(tmp_path / "build/firmware").startswith("toy: 2 samples right")
