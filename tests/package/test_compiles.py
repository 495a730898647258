"""Generated C compiles without a word, runs, and does what the interpreter did."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from package.toolchain import STRICT, run

from edgeq.package.build import build_package
from edgeq.package.source import PackageSource
from edgeq.package.write import write_package

HARD = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
PROFILED = """
#include "toy.h"
static int seen[99];
static int count;
void toy_profile_hook(int kernel) { seen[count++] = kernel; }
int toy_selftest(uint32_t *cycles);
int main(void)
{
    int i;
    if (toy_selftest(0) != 0) return 1;
    for (i = 0; i < count; i++) if (seen[i] != i % (TOY_KERNELS + 1)) return 2;
    return count == 2 * (TOY_KERNELS + 1) ? 0 : 3;
}
"""
ERRORS = """
#include <string.h>
#include "toy.h"
int main(void)
{
    static uint8_t memory[TOY_ARENA_BYTES + TOY_ARENA_ALIGN] __attribute__((aligned(TOY_ARENA_ALIGN)));
    static uint8_t a[TOY_INPUT_CLASS_2_BYTES], b[TOY_INPUT_WIDE_INPUT_BYTES];
    static int8_t c[TOY_OUTPUT_OUT_0_BYTES];
    static int16_t d[TOY_OUTPUT_OUT_0_2_ELEMENTS];
    toy_inputs in = {a, (const int16_t *)(const void *)b}, no_in = {a, 0};
    toy_outputs out = {c, d}, no_out = {0, d};
    if (toy_invoke(&in, &out, memory) != TOY_OK) return 1;
    memset(memory, 0, sizeof memory);
    memset(c, 0, sizeof c);
    if (toy_invoke(0, &out, memory) != TOY_ERROR_NULL) return 2;
    if (toy_invoke(&in, 0, memory) != TOY_ERROR_NULL) return 3;
    if (toy_invoke(&in, &out, 0) != TOY_ERROR_NULL) return 4;
    if (toy_invoke(&no_in, &out, memory) != TOY_ERROR_NULL) return 5;
    if (toy_invoke(&in, &no_out, memory) != TOY_ERROR_NULL) return 6;
    if (toy_invoke(&in, &out, memory + 8) != TOY_ERROR_ALIGNMENT) return 7;
    for (unsigned i = 0; i < sizeof memory; i++) if (memory[i] != 0) return 8;
    for (unsigned i = 0; i < sizeof c; i++) if (c[i] != 0) return 9;
    return 0;
}
"""
ODD_ADDRESSES = """
#include <string.h>
#include "toy.h"
static int8_t memory[2][4][32] __attribute__((aligned(16)));
static int invoke_at(int odd)
{
    static uint8_t arena[TOY_ARENA_BYTES] __attribute__((aligned(TOY_ARENA_ALIGN)));
    int8_t (*room)[32] = memory[odd];
    toy_inputs in = {(uint8_t *)(room[0] + odd), (int16_t *)(void *)(room[1] + odd)};
    toy_outputs out = {room[2] + odd, (int16_t *)(void *)(room[3] + odd)};
    memset(room[0], 77, 32);
    memset(room[1], 33, 32);
    return toy_invoke(&in, &out, arena);
}
int main(void)
{
    if (invoke_at(0) != TOY_OK || invoke_at(1) != TOY_OK) return 1;
    return memcmp(memory[0][2], memory[1][2] + 1, TOY_OUTPUT_OUT_0_BYTES) != 0
        || memcmp(memory[0][3], memory[1][3] + 1, TOY_OUTPUT_OUT_0_2_BYTES) != 0;
}
"""


ARENA_ERRORS = """
#include "toy.h"
int main(void)
{
    static uint8_t memory[TOY_ARENA_BYTES + TOY_ARENA_ALIGN] __attribute__((aligned(TOY_ARENA_ALIGN)));
    if (toy_invoke(0) != TOY_ERROR_NULL) return 1;
    if (toy_invoke(memory + 8) != TOY_ERROR_ALIGNMENT) return 2;
    for (unsigned i = 0; i < sizeof memory; i++) if (memory[i] != 0) return 3;
    return toy_invoke(memory) != TOY_OK;
}
"""


@pytest.fixture
def caller_package(source: PackageSource, tmp_path: Path) -> Path:
    """The toy as C on disk, its inputs and outputs in memory of the caller."""
    write_package(build_package(source), tmp_path / "toy")
    return tmp_path / "toy"


@pytest.fixture
def arena_package(arena_source: PackageSource, tmp_path: Path) -> Path:
    """The same, inputs and outputs in the arena."""
    write_package(build_package(arena_source), tmp_path / "arena")
    return tmp_path / "arena"


@pytest.fixture(params=["arena", "caller"])
def package(request: pytest.FixtureRequest) -> Path:
    """Either of them."""
    return Path(request.getfixturevalue(f"{request.param}_package"))


def sources(package: Path) -> list[Path]:
    return sorted((package / "src").glob("*.c"))


@pytest.mark.parametrize(
    "compiler",
    [("gcc",), ("clang",), ("arm-none-eabi-gcc", *HARD), ("arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb")],
)
@pytest.mark.parametrize("optimize", ["-O0", "-O2"])
def test_strict_c99(package: Path, compiler: tuple[str, ...], optimize: str) -> None:
    files = [*sources(package), package / "selftest.c", package / "main.c"]
    run(*compiler, *STRICT, optimize, "-fsyntax-only" if optimize == "-O0" else "-c", "-Iinclude", *files, cwd=package)
    run(*compiler, *STRICT, "-DTOY_PROFILE", "-fsyntax-only", "-Iinclude", *sources(package), cwd=package)


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize(
    ("io", "call"),
    [
        ("caller", "int f(toy_inputs *i, toy_outputs *o) { return toy_invoke(i, o, 0); }"),
        ("arena", "int f(void *a) { *toy_input_wide_input(a) = 1; return toy_invoke(a) + *toy_output_out_0(a); }"),
    ],
)
def test_header_is_cxx11(request: pytest.FixtureRequest, tmp_path: Path, compiler: str, io: str, call: str) -> None:
    package = request.getfixturevalue(f"{io}_package")
    (tmp_path / "user.cpp").write_text(f'#include "toy.h"\n{call}')
    flags = ("-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-DTOY_PROFILE")
    run(compiler, *flags, "-c", f"-I{package}/include", "user.cpp", cwd=tmp_path)


@pytest.mark.parametrize("compiler", [("gcc", *SANITIZE), ("clang", "-O2")])
def test_self_test_passes(package: Path, compiler: tuple[str, ...]) -> None:
    flags = (*STRICT, "-Iinclude", "-DEDGEQ_SELFTEST_MAIN", "-DEDGEQ_SELFTEST_PRINT")
    run(*compiler, *flags, *sources(package), "selftest.c", "-o", "selftest", cwd=package)
    assert run(package / "selftest") == "toy: 2 samples right, 0 cycles\n"


def test_self_test_tells_the_wrong_sample(package: Path) -> None:
    text = (package / "selftest.c").read_text()
    start = text.rindex("{\n", 0, text.index("static const int16_t expected_out_0_2["))
    wrong = text[:start] + re.sub(r"-?\d+", lambda m: str(-1 - int(m[0])), text[start:], count=1)
    (package / "selftest.c").write_text(wrong)
    flags = (*STRICT, "-Iinclude", "-DEDGEQ_SELFTEST_MAIN")
    run("gcc", *flags, *sources(package), "selftest.c", "-o", "selftest", cwd=package)
    with pytest.raises(AssertionError):
        run(package / "selftest")


@pytest.mark.parametrize(
    ("program", "flags", "extra"),
    [
        (PROFILED, ("-DTOY_PROFILE",), ("selftest.c",)),
        (ERRORS, SANITIZE, ()),
        (ODD_ADDRESSES, SANITIZE, ()),
    ],
    ids=["profiling hook", "error codes", "odd addresses"],
)
def test_firmware(caller_package: Path, program: str, flags: tuple[str, ...], extra: tuple[str, ...]) -> None:
    run_with(caller_package, program, flags, extra)


@pytest.mark.parametrize(
    ("program", "flags", "extra"),
    [(PROFILED, ("-DTOY_PROFILE",), ("selftest.c",)), (ARENA_ERRORS, SANITIZE, ())],
    ids=["profiling hook", "error codes"],
)
def test_firmware_with_inputs_and_outputs_in_the_arena(
    arena_package: Path, program: str, flags: tuple[str, ...], extra: tuple[str, ...]
) -> None:
    run_with(arena_package, program, flags, extra)


def run_with(package: Path, program: str, flags: tuple[str, ...], extra: tuple[str, ...]) -> None:
    (package / "user.c").write_text(program)
    run("gcc", "-std=c99", *flags, "-Iinclude", *sources(package), *extra, "user.c", "-o", "user", cwd=package)
    run(package / "user")


def test_example_runs(package: Path) -> None:
    wrapped = '#define main example\n#include "main.c"\n#undef main\nint main(void) { return example() < 0; }\n'
    (package / "wrap.c").write_text(wrapped)
    run("gcc", *STRICT, *SANITIZE, "-Iinclude", *sources(package), "wrap.c", "-o", "wrap", cwd=package)
    run(package / "wrap")


@pytest.mark.parametrize(
    ("flags", "message"),
    [(("-mfloat-abi=soft",), "hard-float ABI"), (("-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16"), "hard-float ABI")],
)
def test_wrong_abi_is_told_by_the_compiler(
    library_source: Callable[..., PackageSource], tmp_path: Path, flags: tuple[str, ...], message: str
) -> None:
    package = tmp_path / "toy"
    source = library_source("arm-none-eabi-gcc", *HARD, target="cortex-m4", float_abi="hard")
    write_package(build_package(source), package)
    with pytest.raises(AssertionError, match=message):
        run("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", *flags, "-c", "-Iinclude", "src/toy.c", cwd=package)
