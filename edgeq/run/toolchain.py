"""The programs outside edgeq that it can use: where they are, what needs them, how to get them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import ToolMissingError


@dataclass(frozen=True)
class Tool:
    """A program or library that a Debian package brings.

    Attributes:
        name: The command; for a library any name.
        package: The Debian package.
        needed_for: What does not work without it.
        probe: For a library: the command that prints the path of one of its files, or a bare name if it is missing.
    """

    name: str
    package: str
    needed_for: str
    probe: tuple[str, ...] = ()


def _compiler(command: str, packages: tuple[str, str], libc: str, use: str, file: str = "libc.a") -> tuple[Tool, Tool]:
    """A compiler, and the C library that brings `file`; `packages` are theirs."""
    probe = (command, f"-print-file-name={file}")
    return Tool(command, packages[0], use), Tool(libc, packages[1], use, probe)


_ARM = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi")
_AARCH64_LINUX = ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross")
_RISCV_LINUX = ("gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross")
_RISCV = ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf")

TOOLS = (
    *_compiler("arm-none-eabi-gcc", _ARM, "newlib", "building Cortex-M firmware"),
    Tool("qemu-system-arm", "qemu-system-arm", "running Cortex-M firmware on an emulated board"),
    *_compiler("gcc", ("gcc", "libc6-dev"), "libc", "counting instructions, estimating cycles, x86-64 packages"),
    Tool("qemu-x86_64", "qemu-user", "running AVX2 packages on computers without AVX2"),
    *_compiler("aarch64-linux-gnu-gcc", _AARCH64_LINUX, "libc-aarch64", "building 64-bit Arm programs"),
    Tool("qemu-aarch64", "qemu-user", "running 64-bit Arm programs on other computers"),
    *_compiler("riscv64-linux-gnu-gcc", _RISCV_LINUX, "libc-riscv64", "building RISC-V programs for Linux"),
    Tool("qemu-riscv64", "qemu-user", "running RISC-V programs for Linux on other computers"),
    *_compiler("riscv64-unknown-elf-gcc", _RISCV, "picolibc", "building RISC-V firmware", "picolibc.specs"),
    Tool("qemu-system-riscv32", "qemu-system-misc", "running RISC-V firmware on an emulated board"),
    Tool("g++", "g++", "simulating FPGA packages"),
    Tool("make", "make", "simulating FPGA packages"),
    Tool("verilator", "verilator", "simulating fpga-rtl packages"),
    Tool("yosys", "yosys", "synthesizing fpga-rtl packages"),
)


@dataclass(frozen=True)
class ToolStatus:
    """One line of `edgeq doctor`.

    Attributes:
        path: Where the tool is; None if it is missing.
        version: As the tool states it; empty for libraries and for what is missing.
        how_to_get: The command that installs it.
    """

    name: str
    path: Path | None
    version: str
    needed_for: str
    how_to_get: str


def doctor() -> list[ToolStatus]:
    """The state of every tool in `TOOLS`."""
    return [_status(tool) for tool in TOOLS]


def find_tool(name: str) -> Path:
    """The path of a tool in `TOOLS`, or of a command that only the board file of a plug-in knows.

    Raises:
        ToolMissingError: It is not installed; the message has the command that installs it.
    """
    tool = next((tool for tool in TOOLS if tool.name == name), Tool(name, "", "this target"))
    path = _locate(tool)
    if path is None:
        raise ToolMissingError(f"{name} is not installed; {tool.needed_for} needs it", fix=_install(tool))
    return path


def missing_tools(names: Iterable[str]) -> list[str]:
    """Those of some tools that are not installed."""
    known = {tool.name: tool for tool in TOOLS}
    return [name for name in names if _locate(known.get(name, Tool(name, "", ""))) is None]


def _status(tool: Tool) -> ToolStatus:
    path = _locate(tool)
    version = "" if path is None or tool.probe else _version(path)
    return ToolStatus(tool.name, path, version, tool.needed_for, _install(tool))


def _locate(tool: Tool) -> Path | None:
    found = shutil.which(tool.probe[0] if tool.probe else tool.name)
    if found is None or not tool.probe:
        return None if found is None else Path(found)
    answer = subprocess.run([found, *tool.probe[1:]], capture_output=True, text=True, check=False)
    path = Path(answer.stdout.strip())
    return path if path.is_absolute() else None


def _version(path: Path) -> str:
    answer = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"\d+(\.\d+)+", answer.stdout)
    return number.group() if number else ""


def _install(tool: Tool) -> str:
    return f"sudo apt-get install {tool.package}" if tool.package else f"put {tool.name} where PATH finds it"
