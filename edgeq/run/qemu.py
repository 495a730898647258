"""Runs a firmware on an emulated board: console and files by semihosting, instructions counted exactly."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import FirmwareError
from edgeq.run.counters import COUNTERS
from edgeq.run.device import Device, require_device
from edgeq.run.firmware import board_of
from edgeq.run.plugin import Counting
from edgeq.run.toolchain import find_tool
from edgeq.targets.target import Emulator, Target


@dataclass(frozen=True)
class RunResult:
    """What a firmware left.

    Attributes:
        exit_code: What its `main` returned (or QEMU's own code, if that failed).
        stdout: Its console.
        stderr: Complaints of QEMU itself.
    """

    exit_code: int
    stdout: str
    stderr: str


def run_firmware(
    elf: Path,
    target: Target,
    *,
    timeout: float,
    files_dir: Path,
    counting: Counting | None = None,
    device: Device | None = None,
) -> RunResult:
    """Runs `elf` until it exits: on an emulated board, as an emulated process, or as a process of this computer.

    Args:
        timeout: Seconds of real time.
        files_dir: Folder in which the firmware opens files.
        counting: What is counted by address; the board's own counter then does not count instructions.
        device: None for the first of the target's.

    Raises:
        ToolMissingError: The emulator is not installed.
        UsageError: The target's programs cannot run here.
        FirmwareError: It did not end in time.
    """
    device = require_device(target, device)
    machine, *arguments = _process(target, device, counting) if target.linux else _board(board_of(target), counting)
    command = [*([str(find_tool(machine))] if machine else []), *arguments, str(elf.resolve())]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            cwd=files_dir,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FirmwareError(
            f"the firmware did not end within {timeout:g} s on {machine or 'this computer'}",
            file=elf,
            fix="run fewer samples",
        ) from error
    return RunResult(done.returncode, done.stdout, done.stderr)


def _board(emulator: Emulator, counting: Counting | None) -> list[str]:
    """The emulator of a board, and its arguments before the firmware."""
    return [
        *emulator.command,
        *("-display", "none", "-monitor", "none", "-serial", "none", "-chardev", "stdio,id=console"),
        *("-semihosting-config", "enable=on,target=native,chardev=console"),
        *_counted(emulator, counting),
        "-kernel",
    ]


def _process(target: Target, device: Device, counting: Counting | None) -> list[str]:
    """The emulator of a processor under Linux, and its arguments before the program; an empty name for none."""
    if device == "native" or target.linux is None:
        return [""]
    return [*target.linux.emulator, *(("-plugin", counting.arguments()) if counting else ())]


def _counted(emulator: Emulator, counting: Counting | None) -> tuple[str, str]:
    """Options that count: not both, because `-icount` begins some blocks anew, which the plugin would count twice."""
    if counting is not None:
        return "-plugin", counting.arguments()
    return "-icount", f"shift={COUNTERS[emulator.counter].icount_shift},align=off,sleep=off"
