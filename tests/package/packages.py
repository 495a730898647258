"""Packages as the compiler writes them, and their self-test on an emulated board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from package.toolchain import need

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


def package_of(source: PackageSource, folder: Path, target_name: str, float_abi: str, emit: str) -> Path:
    """The toy's program through the real lowering, written below `folder`."""
    target = load_target(target_name)
    lowered = lower(source.lowered.program, for_c(target) if emit == "c" else target)
    kernels = c_sources(lowered) if emit == "c" else compile_objects(lowered, float_abi or None)
    made = replace(source, lowered=lowered, kernels=kernels, float_abi=float_abi)
    write_package(build_package(made), folder / "toy")
    return folder / "toy"


def check_on_board(package: Path, target_name: str, float_abi: str) -> None:
    """Builds the self-test beside the package, runs it, and wants it right and silent."""
    target = load_target(target_name)
    assert target.emulator
    need(target.gcc)
    need(target.emulator.command[0])
    firmware = package.parent / "firmware.elf"
    build_firmware(
        [*sorted((package / "src").glob("*.c")), package / "selftest.c"],
        sorted((package / "lib").glob("*.a")),
        target,
        firmware,
        includes=[package / "include"],
        defines=["EDGEQ_SELFTEST_MAIN"],
        float_abi=float_abi or None,
    )
    result = run_firmware(firmware, target, timeout=60, files_dir=package.parent)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
