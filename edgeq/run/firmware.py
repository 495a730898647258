"""Builds firmware for an emulated board with the target's own toolchain."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from importlib.resources import as_file, files
from pathlib import Path

import jinja2

from edgeq.errors import FirmwareError, UsageError
from edgeq.run.toolchain import find_tool
from edgeq.targets.target import Emulator, Target

STACK_BYTES = 64 * 1024
BOARD = files("edgeq.run") / "board"

_OPTIONS = ("-std=gnu11", "-O2", "-ffunction-sections", "-fdata-sections")
# No libgcc: integer kernels call none of its routines, and a kernel that did would fail to link here.
_LINK = ("-nostdlib", "-Wl,--gc-sections")
_STATIC = ("-static", "-Wl,--gc-sections")


def build_firmware(
    sources: Sequence[Path],
    objects: Sequence[Path],
    target: Target,
    out_elf: Path,
    *,
    includes: Sequence[Path] = (),
    defines: Iterable[str] = (),
    float_abi: str | None = None,
) -> None:
    """Compiles and links sources, objects and archives with the board support into `out_elf`: firmware or a program.

    Args:
        sources: C files; one has `int main(void)` and may use `edgeq_board.h`.
        objects: Object files and static libraries.
        defines: `NAME` or `NAME=VALUE`.
        float_abi: One of the target's; None takes the default.

    Raises:
        ToolMissingError: Compiler or C library are not installed.
        UsageError: The target has no emulated board, or not this float ABI.
        FirmwareError: The compiler or linker refused; the message has its own.
    """
    cross_built = target.linux and target.gcc
    parts, link = (("linux",), _STATIC) if cross_built else _bare(board_of(target), out_elf.with_suffix(".ld"))
    find_tool(target.libc)
    with as_file(BOARD) as board:
        command = [
            *(str(find_tool(target.gcc)), *target.gcc_flags, *_float_flags(target, float_abi), *_OPTIONS),
            *(f"-D{define}" for define in defines),
            *(f"-I{folder}" for folder in (board, *includes)),
            *(str(board / f"{part}.c") for part in parts),
            *(*map(str, sources), *map(str, objects), *link, "-o", str(out_elf)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FirmwareError(f"{target.gcc} cannot build the firmware:\n{done.stderr.strip()}", file=out_elf)


def _bare(emulator: Emulator, script: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Files of the board support, and options of the linker, for a board without an operating system."""
    script.write_text(_linker_script(emulator))
    return ("edgeq_board", emulator.startup, emulator.counter), (*_LINK, "-T", str(script), "-lc")


def board_of(target: Target) -> Emulator:
    """The emulated board of a target.

    Raises:
        UsageError: It has none.
    """
    if target.emulator is None:
        raise UsageError(f"target {target.name!r} has no emulated board", fix="edgeq run DIR --on host")
    return target.emulator


def symbol_sizes(elf: Path, target: Target) -> dict[str, int]:
    """Bytes of each function and object in a firmware, by symbol."""
    nm = str(find_tool(target.gcc)).removesuffix("gcc") + "nm"
    listing = subprocess.run([nm, "-S", "--defined-only", str(elf)], capture_output=True, text=True, check=True)
    rows = (line.split() for line in listing.stdout.splitlines())
    return {row[3]: int(row[1], 16) for row in rows if len(row) == 4}


def _float_flags(target: Target, float_abi: str | None) -> tuple[str, ...]:
    abi = float_abi or next(iter(target.float_abis), None)
    if abi is None:
        return ()
    if abi not in target.float_abis:
        offered = " or ".join(target.float_abis)
        raise UsageError(
            f"target {target.name!r} has no float ABI {abi!r}", fix=f"use {offered}" if offered else "leave it out"
        )
    return (f"-mfloat-abi={abi}",)


def _linker_script(emulator: Emulator) -> str:
    template = (BOARD / "board.ld.j2").read_text()
    memories = {"vectors": emulator.vectors, "flash": emulator.flash, "ram": emulator.ram}
    values = {**memories, "stack_bytes": STACK_BYTES}
    return jinja2.Template(template, undefined=jinja2.StrictUndefined).render(values)
