"""What the report says of flash and RAM."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from package.toolchain import run

from edgeq.lower.objects import KernelObject
from edgeq.package.build import build_package
from edgeq.package.sizes import flash_bytes, ram_bytes
from edgeq.package.source import PackageSource
from edgeq.package.write import write_package
from edgeq.program.planner import Plan

OBJECTS = (KernelObject("toy_k0", b"", 100, 24), KernelObject("toy_k1", b"", 60, 56))


def test_flash(source: PackageSource) -> None:
    flash = flash_bytes(source.lowered, OBJECTS)
    assert (flash.code, flash.weights, flash.constants) == (160, 24, 2 * 256 + 3 * 4 + 3 * 4)
    assert flash.total == 160 + 24 + 536


def test_ram(source: PackageSource) -> None:
    ram = ram_bytes(source.lowered, OBJECTS)
    assert (ram.arena, ram.io, ram.statics) == (48, 8 + 10 + 3 + 10, 0)
    assert ram.stack >= 56
    assert ram.total == ram.arena + ram.io + ram.stack


def test_ram_with_inputs_and_outputs_in_the_arena(arena_source: PackageSource) -> None:
    ram = ram_bytes(arena_source.lowered, OBJECTS)
    assert (ram.arena, ram.io) == (48, 0)


def test_an_empty_arena_is_still_an_array(source: PackageSource) -> None:
    lowered = replace(source.lowered, plan=Plan({}, 0, 0))
    assert ram_bytes(lowered, OBJECTS).arena == 16


@pytest.mark.parametrize("optimize", ["-O0", "-Os", "-O1", "-O2", "-O3"])
@pytest.mark.parametrize(
    "compiler",
    [
        ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"),
        ("arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb"),
        ("riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
    ],
    ids=["cortex-m4", "cortex-m0", "rv32imc"],
)
def test_the_call_sequence_keeps_within_its_bound(
    source: PackageSource, tmp_path: Path, compiler: tuple[str, ...], optimize: str
) -> None:
    package = tmp_path / "toy"
    write_package(build_package(source), package)
    run(*compiler, optimize, "-fstack-usage", "-Iinclude", "-c", "src/toy.c", "-o", "toy.o", cwd=package)
    frames = [int(line.split("\t")[1]) for line in (package / "toy.su").read_text().splitlines()]
    assert 0 < sum(frames) <= ram_bytes(source.lowered, ()).stack
