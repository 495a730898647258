"""Packages with generated kernels: the C is strict and right, the objects run on boards, nothing is floating point."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from package.packages import check_on_board, package_of
from package.toolchain import STRICT, run

from edgeq.package.source import PackageSource

BOARDS = [("cortex-m4", "hard"), ("cortex-m4", "soft"), ("cortex-m0", ""), ("rv32imc", "")]


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
    check_on_board(package_of(source, tmp_path, target_name, float_abi, emit), target_name, float_abi)


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
