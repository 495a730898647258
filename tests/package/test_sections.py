"""Data go to the memories that the target names: what the linker says of a device with four of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from package.toolchain import run

from edgeq.errors import UsageError
from edgeq.package.build import build_package
from edgeq.package.source import PackageSource
from edgeq.package.write import write_package
from edgeq.targets.load import read_target
from edgeq.targets.target import Sections

SCRIPT = """
MEMORY
{
    FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 1M
    QSPI (rx) : ORIGIN = 0x90000000, LENGTH = 1M
    DTCM (rw) : ORIGIN = 0x20000000, LENGTH = 64K
    RAM (rw) : ORIGIN = 0x24000000, LENGTH = 64K
}
SECTIONS
{
    .text : { *(.text*) *(.rodata*) } > FLASH
    .ext_flash : { *(.ext_flash) } > QSPI
    .dtcm (NOLOAD) : { *(.bss.dtcm) } > DTCM
    .bss : { *(.bss*) } > RAM
}
"""
SPLIT = Sections(weights=".ext_flash", arena=".bss.dtcm")
HARD = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")


def linked(source: PackageSource, folder: Path, sections: Sections, *flags: str) -> dict[str, int]:
    """Addresses of all symbols of a firmware with the toy's example program."""
    target = replace(source.lowered.target, sections=sections)
    package = folder / "toy"
    write_package(build_package(replace(source, lowered=replace(source.lowered, target=target))), package)
    (folder / "board.ld").write_text(SCRIPT)
    sources = [*sorted((package / "src").glob("*.c")), package / "main.c"]
    link = ("-nostartfiles", "-Wl,-e,main", "-T", folder / "board.ld", "-lc")
    run("arm-none-eabi-gcc", *HARD, "-O1", *flags, "-Iinclude", *sources, *link, "-o", "firmware.elf", cwd=package)
    rows = (line.split() for line in run("arm-none-eabi-nm", "firmware.elf", cwd=package).splitlines())
    return {row[2]: int(row[0], 16) for row in rows if len(row) == 3}


def memory(address: int) -> str:
    return {0x08: "flash", 0x90: "qspi", 0x20: "dtcm", 0x24: "ram"}[address >> 24]


def kinds(source: PackageSource, kind: str) -> list[str]:
    return [constant.symbol for constant in source.lowered.constants if constant.kind == kind]


def test_weights_and_arena_go_where_the_target_says(arena_source: PackageSource, tmp_path: Path) -> None:
    at = linked(arena_source, tmp_path, SPLIT)
    assert {memory(at[symbol]) for symbol in kinds(arena_source, "weights")} == {"qspi"}
    assert {memory(at[symbol]) for symbol in kinds(arena_source, "constants")} == {"flash"}
    assert memory(at["arena"]) == "dtcm" and at["arena"] % 16 == 0


def test_without_sections_the_compiler_chooses(arena_source: PackageSource, tmp_path: Path) -> None:
    at = linked(arena_source, tmp_path, Sections())
    assert {memory(at[constant.symbol]) for constant in arena_source.lowered.constants} == {"flash"}
    assert memory(at["arena"]) == "ram"


def test_the_firmware_has_the_last_word(arena_source: PackageSource, tmp_path: Path) -> None:
    own = '__attribute__((section(".ext_flash")))'
    at = linked(arena_source, tmp_path, SPLIT, f"-DTOY_SECTION_CONST={own}", "-DTOY_SECTION_ARENA=")
    assert {memory(at[symbol]) for symbol in kinds(arena_source, "constants")} == {"qspi"}
    assert memory(at["arena"]) == "ram"


BOARD = """
description = "Two memories"
family = "portable"
triple = "thumbv7em-none-gnueabi"
cpu = "cortex-m7"
"""


def test_a_board_file_names_sections(tmp_path: Path) -> None:
    (tmp_path / "split.toml").write_text(BOARD + '[sections]\nweights = ".ext_flash"\narena = ".bss.dtcm"\n')
    assert read_target(tmp_path / "split.toml").sections == SPLIT
    (tmp_path / "wrong.toml").write_text(BOARD + '[sections]\nweight = ".ext_flash"\n')
    with pytest.raises(UsageError, match=r"sections\.weight"):
        read_target(tmp_path / "wrong.toml")
