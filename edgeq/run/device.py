"""What runs a target's programs on this computer: QEMU, or the computer itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from edgeq.errors import UsageError
from edgeq.fpga.backend import load_backend
from edgeq.targets.target import Target

Device = Literal["qemu", "native"]


def devices_of(target: Target) -> tuple[Device, ...]:
    """How programs for `target` can run here, the faster way first: natively where this CPU has all instructions."""
    if target.emulator is not None:
        return ("qemu",)
    if target.linux is None:
        return ()
    native = target.linux.cpu_flags and set(target.linux.cpu_flags) <= cpu_flags()
    return (*(("native",) if native else ()), *(("qemu",) if target.linux.emulator else ()))


def require_device(target: Target, asked: Device | None) -> Device:
    """The device that was asked for; where none was, the first.

    Raises:
        UsageError: Programs for `target` do not run here, or not so.
    """
    devices = devices_of(target)
    if asked is None and devices:
        return devices[0]
    if asked is not None and asked in devices:
        return asked
    lacking = _lacking(target) if asked != "qemu" else []
    reason = f"needs a CPU with {', '.join(lacking)}" if lacking else f"does not run on {asked or 'an emulated board'}"
    raise UsageError(f"target {target.name!r} {reason}", fix=f"edgeq run DIR --on {(*devices, 'host')[0]}")


def described(target: Target) -> str:
    """What runs the target's own programs here, for people; or why nothing does."""
    if target.fpga:
        return f"make {load_backend(target).simulate}"
    if target.emulator:
        core = f", whose core is a {target.emulator.core}" if target.emulator.core else ""
        return " ".join(target.emulator.command[:3]) + core
    if target.linux is None:
        return "the host runner"
    if "native" in devices_of(target):
        return "this CPU"
    return " ".join(target.linux.emulator) or f"not run: this CPU lacks {', '.join(_lacking(target))}"


def _lacking(target: Target) -> list[str]:
    """Instructions that its programs need and this CPU does not have."""
    return sorted(set(target.linux.cpu_flags) - cpu_flags()) if target.linux else []


def tools_of(target: Target, device: Device = "qemu") -> tuple[str, ...]:
    """The tools of `edgeq/run/toolchain.py` that building for `target` and running takes, or simulating an FPGA."""
    if target.fpga:
        return load_backend(target).tools
    command = target.emulator.command if target.emulator else target.linux.emulator if target.linux else ()
    return tuple(tool for tool in (target.gcc, target.libc, *command[: device == "qemu"]) if tool)


@cache
def cpu_flags() -> frozenset[str]:
    """What Linux says that this computer's CPU has; nothing where it says nothing."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.partition(":") for line in lines)
    return frozenset(
        flag for name, _, flags in named if name.strip() in ("flags", "Features") for flag in flags.split()
    )
