"""The self-test passes on emulated boards, whose cores have a cycle counter or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from package.toolchain import need

from edgeq.package.build import build_package
from edgeq.package.source import PackageSource
from edgeq.package.write import write_package
from edgeq.run.firmware import build_firmware
from edgeq.run.qemu import run_firmware
from edgeq.targets.load import load_target


@pytest.mark.parametrize(
    ("target_name", "float_abi"), [("cortex-m4", "hard"), ("cortex-m4", "soft"), ("cortex-m0", ""), ("rv32imc", "")]
)
def test_self_test(
    library_source: Callable[..., PackageSource], tmp_path: Path, target_name: str, float_abi: str
) -> None:
    target = load_target(target_name)
    need(target.gcc)
    assert target.emulator
    need(target.emulator.command[0])
    flags = (*target.gcc_flags, *((f"-mfloat-abi={float_abi}",) if float_abi else ()))
    package = tmp_path / "toy"
    write_package(build_package(library_source(target.gcc, *flags, target=target_name, float_abi=float_abi)), package)
    build_firmware(
        [package / "src/toy.c", package / "src/toy_data.c", package / "selftest.c"],
        [package / "lib/libtoy.a"],
        target,
        tmp_path / "firmware.elf",
        includes=[package / "include"],
        defines=["EDGEQ_SELFTEST_MAIN"],
        float_abi=float_abi or None,
    )
    result = run_firmware(tmp_path / "firmware.elf", target, timeout=60, files_dir=tmp_path)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
