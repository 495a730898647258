"""Packages with generated kernels: the C is strict and right, the objects run on boards, nothing is floating point."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from package.toolchain import STRICT, need, run

from edgeq.lower.c_source import c_sources
from edgeq.lower.lower import lower
from edgeq.lower.objects import compile_objects
from edgeq.lower.select import for_c
from edgeq.package.build import build_package
from edgeq.package.source import PackageSource
from edgeq.package.write import write_package
from edgeq.run.firmware import build_firmware
from edgeq.run.qemu import run_firmware
from edgeq.targets.load import load_target

BOARDS = [("cortex-m4", "hard"), ("cortex-m4", "soft"), ("cortex-m0", ""), ("rv32imc", "")]


def package_of(source: PackageSource, folder: Path, target_name: str, float_abi: str, emit: str) -> Path:
    """The toy's program through the real lowering, written below `folder`."""
    target = load_target(target_name)
    lowered = lower(source.lowered.program, for_c(target) if emit == "c" else target)
    kernels = c_sources(lowered) if emit == "c" else compile_objects(lowered, float_abi or None)
    made = replace(source, lowered=lowered, kernels=kernels, float_abi=float_abi)
    write_package(build_package(made), folder / "toy")
    return folder / "toy"


@pytest.mark.parametrize("compiler", [("gcc", "-fsanitize=address,undefined"), ("clang", "-O2")])
def test_c_is_strict_and_right(source: PackageSource, tmp_path: Path, compiler: tuple[str, ...]) -> None:
    package = package_of(source, tmp_path, "cortex-m4", "hard", "c")
    sources = sorted((package / "src").glob("*.c"))
    flags = (*STRICT, "-Iinclude", "-DEDGEQ_SELFTEST_MAIN", "-DEDGEQ_SELFTEST_PRINT")
    run(*compiler, *flags, *sources, "selftest.c", "-o", "selftest", cwd=package)
    assert run(package / "selftest") == "toy: 2 samples right, 0 cycles\n"


@pytest.mark.parametrize("emit", ["lib", "c"])
@pytest.mark.parametrize(("target_name", "float_abi"), BOARDS)
def test_self_test_on_board(source: PackageSource, tmp_path: Path, target_name: str, float_abi: str, emit: str) -> None:
    package = package_of(source, tmp_path, target_name, float_abi, emit)
    target = load_target(target_name)
    assert target.emulator
    need(target.gcc)
    need(target.emulator.command[0])
    build_firmware(
        [*sorted((package / "src").glob("*.c")), package / "selftest.c"],
        sorted((package / "lib").glob("*.a")),
        target,
        tmp_path / "firmware.elf",
        includes=[package / "include"],
        defines=["EDGEQ_SELFTEST_MAIN"],
        float_abi=float_abi or None,
    )
    result = run_firmware(tmp_path / "firmware.elf", target, timeout=60, files_dir=tmp_path)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("float_abi", ["hard", "soft"])
def test_needs_nothing_and_uses_no_floating_point(source: PackageSource, tmp_path: Path, float_abi: str) -> None:
    """One relocatable object of everything: no variables, no library but memcpy and memset, no VFP instruction."""
    package = package_of(source, tmp_path, "cortex-m4", float_abi, "lib")
    flags = ("-mcpu=cortex-m4", "-mthumb", f"-mfloat-abi={float_abi}", "-O2", "-Iinclude")
    whole = ("-nostdlib", "-r", "-Wl,--whole-archive", "lib/libtoy.a", "-Wl,--no-whole-archive")
    run("arm-none-eabi-gcc", *flags, "src/toy.c", "src/toy_data.c", *whole, "-o", "all.o", cwd=package)
    undefined = run("arm-none-eabi-nm", "-u", "all.o", cwd=package).split()
    assert set(undefined) - {"U"} <= {"memcpy", "memset"}
    assert not re.search(r" [BbDdC] ", run("arm-none-eabi-nm", "all.o", cwd=package))
    code = run("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", "all.o", cwd=package)
    mnemonics = set(re.findall(r"^ +[0-9a-f]+:\t(\S+)", code, re.MULTILINE))
    assert "bl" in mnemonics
    assert not {word for word in mnemonics if word.startswith("v")}
