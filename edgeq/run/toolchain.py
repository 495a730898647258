"""The programs outside edgeq that it can use: where they are, what needs them, how to get them."""

from __future__ import annotations

import re
import shutil
import subprocess
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


TOOLS = (
    Tool("arm-none-eabi-gcc", "gcc-arm-none-eabi", "building Cortex-M firmware"),
    Tool(
        "newlib",
        "libnewlib-arm-none-eabi",
        "building Cortex-M firmware",
        probe=("arm-none-eabi-gcc", "-print-file-name=libc.a"),
    ),
    Tool("qemu-system-arm", "qemu-system-arm", "running Cortex-M firmware on an emulated board"),
    Tool("gcc", "gcc", "estimating cycles, counting instructions, and running x86-64 packages"),
    Tool("libc", "libc6-dev", "running x86-64 packages", probe=("gcc", "-print-file-name=libc.a")),
    Tool("qemu-x86_64", "qemu-user", "running AVX2 packages on computers without AVX2"),
    Tool("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "building 64-bit Arm programs"),
    Tool(
        "libc-aarch64",
        "libc6-dev-arm64-cross",
        "building 64-bit Arm programs",
        probe=("aarch64-linux-gnu-gcc", "-print-file-name=libc.a"),
    ),
    Tool("qemu-aarch64", "qemu-user", "running 64-bit Arm programs on other computers"),
    Tool("riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu", "building RISC-V programs for Linux"),
    Tool(
        "libc-riscv64",
        "libc6-dev-riscv64-cross",
        "building RISC-V programs for Linux",
        probe=("riscv64-linux-gnu-gcc", "-print-file-name=libc.a"),
    ),
    Tool("qemu-riscv64", "qemu-user", "running RISC-V programs for Linux on other computers"),
    Tool("riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf", "building RISC-V firmware"),
    Tool(
        "picolibc",
        "picolibc-riscv64-unknown-elf",
        "building RISC-V firmware",
        probe=("riscv64-unknown-elf-gcc", "-print-file-name=picolibc.specs"),
    ),
    Tool("g++", "g++", "simulating FPGA packages"),
    Tool("make", "make", "simulating FPGA packages"),
    Tool("verilator", "verilator", "simulating fpga-rtl packages"),
    Tool("yosys", "yosys", "synthesizing fpga-rtl packages"),
    Tool("qemu-system-riscv32", "qemu-system-misc", "running RISC-V firmware on an emulated board"),
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
    """The path of a tool in `TOOLS`.

    Raises:
        ToolMissingError: It is not installed; the message has the command that installs it.
    """
    tool = next(tool for tool in TOOLS if tool.name == name)
    path = _locate(tool)
    if path is None:
        raise ToolMissingError(f"{name} is not installed; {tool.needed_for} needs it", fix=_install(tool))
    return path


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
    return f"sudo apt-get install {tool.package}"
