"""LLVM objects: deterministic, self-contained, without floating point, and with their cost known."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from lower.test_c_source import small_dense

from edgeq.errors import VerificationError
from edgeq.lower.elf import undefined_symbols
from edgeq.lower.elf_strip import strip
from edgeq.lower.lower import lower
from edgeq.lower.objects import LIBRARY, KernelObject, compile_objects
from edgeq.targets.load import load_target

TARGETS = ["cortex-m4", "cortex-m0", "rv32imc", "host"]
BINUTILS = {
    "cortex-m4": "arm-none-eabi-",
    "cortex-m0": "arm-none-eabi-",
    "rv32imc": "riscv64-unknown-elf-",
    "host": "",
}
FLOATING_POINT = re.compile(
    r"v(add|sub|mul|div|cvt|ldr|str|mov|push|pop)\S*"  # VFP of Arm
    r"|f(add|sub|mul|div|cvt|lw|sw|ld|sd|mv)\S*"  # F and D of RISC-V
    r"|(add|sub|mul|div|cvt\S+)[sp][sd]"  # SSE of x86
)


@pytest.fixture(params=TARGETS)
def name(request) -> str:
    return request.param


@pytest.fixture
def objects(name, compile_every_kernel) -> tuple[KernelObject, ...]:
    return compile_every_kernel(name)


@pytest.fixture
def files(objects, tmp_path) -> list[Path]:
    """The objects on disk, in their order."""
    paths = [tmp_path / f"{o.symbol}.o" for o in objects]
    for path, o in zip(paths, objects, strict=True):
        path.write_bytes(o.elf)
    return paths


def run(*command: object) -> str:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout


def test_no_library_calls(objects) -> None:
    assert {name for o in objects for name in undefined_symbols(o.elf)} <= LIBRARY


def test_no_floating_point(files, name) -> None:
    listing = run(f"{BINUTILS[name]}objdump", "-d", "--no-show-raw-insn", *files)
    instructions = re.findall(r"^\s+[0-9a-f]+:\s+(\S+)", listing, re.MULTILINE)
    assert len(instructions) > 1000
    assert [i for i in instructions if FLOATING_POINT.fullmatch(i)] == []


def test_nothing_to_strip_is_left(objects) -> None:
    for o in objects:
        assert b"debug" not in o.elf
        assert b"__truncsfhf2" not in o.elf
        assert strip(o.elf) == o.elf


def test_objects_link(files, objects, name, tmp_path) -> None:
    """The target's own linker accepts them together, and finds each symbol once."""
    machine = ["-m", "elf32lriscv"] if name == "rv32imc" else []
    run(f"{BINUTILS[name]}ld", *machine, "-r", "-o", tmp_path / "all.out", *files)
    symbols = run(f"{BINUTILS[name]}nm", tmp_path / "all.out")
    assert set(re.findall(r" T (\S+)", symbols)) == {o.symbol for o in objects}


def test_size_is_what_binutils_say(files, objects, name) -> None:
    lines = run(f"{BINUTILS[name]}size", *files).splitlines()[1:]
    assert [int(line.split()[0]) for line in lines] == [o.code_bytes for o in objects]


def test_two_compiles_are_equal() -> None:
    lowered = lower(small_dense(), load_target("cortex-m4"))
    assert [o.elf for o in compile_objects(lowered)] == [o.elf for o in compile_objects(lowered)]


def test_float_abi_tag() -> None:
    lowered = lower(small_dense(), load_target("cortex-m4"))
    (hard,), (soft,) = compile_objects(lowered, "hard"), compile_objects(lowered, "soft")
    assert hard.elf != soft.elf
    assert hard.code_bytes == soft.code_bytes


@pytest.mark.parametrize("name", ["cortex-m4", "cortex-m0"])
def test_stack_is_what_the_code_takes(name, files, objects) -> None:
    """Every `push` and `sub sp` of the listing together are the stated frame."""
    for file, o in zip(files, objects, strict=True):
        listing = run(f"{BINUTILS[name]}objdump", "-d", file)
        pushed = sum(4 * _count(r) for r in re.findall(r"\b(?:push|stmdb\s+sp!,)\s+\{(.*?)\}", listing))
        taken = sum(int(n) for n in re.findall(r"\bsubw?(?:\.w)?\s+sp, (?:sp, )?#(\d+)", listing))
        assert o.stack_bytes == pushed + taken


def _count(registers: str) -> int:
    """Number of registers in a list such as `r4, r5, lr`."""
    assert "-" not in registers
    return len(registers.split(","))


def test_refuses_library_calls() -> None:
    """A target that claims a long multiply which it does not have would need libgcc."""
    m0 = load_target("cortex-m0")
    lying = replace(m0, features=frozenset({"long-multiply"}))
    with pytest.raises(VerificationError, match=r"calls (__aeabi_lmul|__muldi3)"):
        compile_objects(lower(small_dense(), lying))
