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


def test_a_shared_library_of_another_processor_has_the_same_interface(
    library_source: Callable[..., PackageSource], tmp_path: Path
) -> None:
    """Cross-compiled, and the self-test linked with it, under QEMU's user mode."""
    made = library_source("aarch64-linux-gnu-gcc", "-fPIC", target="cortex-a55")
    write_package(build_package(made), tmp_path / "toy")
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    cross = ("-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc")
    run("cmake", "-S", ".", "-B", "build", "-DBUILD_SHARED_LIBS=ON", *cross, cwd=tmp_path)
    run("cmake", "--build", "build", cwd=tmp_path)
    firmware = tmp_path / "build/firmware"
    assert "Shared library: [libtoy.so]" in run("aarch64-linux-gnu-readelf", "-d", firmware)
    path = f"LD_LIBRARY_PATH={tmp_path / 'build/toy'}"
    assert run("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-E", path, firmware).startswith("toy: 2 samples right")
