"""The objects of a real network hold no floating point: no VFP instruction, no call of a soft-float routine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from package.toolchain import run
from tooling import need_tools

import edgeq


@pytest.mark.parametrize("float_abi", ["hard", "soft"])
def test_kernels_are_integers_only(zoo: Path, tmp_path: Path, float_abi: str) -> None:
    need_tools("arm-none-eabi-gcc")
    data = zoo / "mnist_mbv2_torch"
    out = edgeq.compile(
        data / "model.onnx", calibration=data / "calib.npz", out=tmp_path / "net", name="net", float_abi=float_abi
    ).out
    library = out / "lib/libnet.a"
    code = run("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", library)
    mnemonics = set(re.findall(r"^ +[0-9a-f]+:\t(\S+)", code, re.MULTILINE))
    assert {"add", "ldrd", "smlad"} <= mnemonics, "nothing was disassembled"
    assert not {word for word in mnemonics if word.startswith("v")}
    undefined = set(re.findall(r"^ +U (\S+)", run("arm-none-eabi-nm", library), re.MULTILINE))
    assert undefined <= {"memcpy", "memset", "memmove"}
