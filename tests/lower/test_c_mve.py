"""C of the MVE family: intrinsics where the compiler has them, and elsewhere other C of the same integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lower.board_harness import differing_calls
from lower.c_harness import mnemonics_of, run_checked, warnings_of
from lower.mve_operators import MAKERS
from lower.operators import program_of, random_inputs
from tooling import need_board

from edgeq.lower.lower import lower
from edgeq.lower.lowered import Lowered
from edgeq.program.interpreter import interpret
from edgeq.targets.load import load_target

M55 = load_target("cortex-m55")
ARM = ("arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")
CLANG_ARM = (
    *("clang", "--target=thumbv8.1m.main-none-eabi", "-mcpu=cortex-m55", "-mfloat-abi=hard"),
    *("-isystem", "/usr/include/newlib"),
)


@pytest.fixture(scope="module")
def lowered() -> Lowered:
    """Two operators of every kind that the family has kernels for."""
    rng = np.random.default_rng(0)
    return lower(program_of([make(rng) for _ in range(2) for make in MAKERS]), M55)


def test_equals_interpreter_without_undefined_behaviour(lowered: Lowered, tmp_path: Path) -> None:
    """On this computer, which has no such instructions: bytes lie at odd addresses, under sanitizers."""
    inputs = random_inputs(lowered.program, 3, seed=0)
    assert run_checked(lowered, inputs, interpret(lowered.program, inputs), tmp_path) == ""


def test_equals_interpreter_on_the_board(lowered: Lowered, tmp_path: Path) -> None:
    """Built by GCC for vector instructions, in the emulator."""
    need_board(M55)
    inputs = random_inputs(lowered.program, 3, seed=1)
    wrong = differing_calls(lowered, inputs, interpret(lowered.program, inputs), tmp_path, as_c=True)
    assert [lowered.program.ops[i] for i in wrong] == []


@pytest.mark.parametrize(
    "compiler",
    [("gcc",), ("clang",), ARM, CLANG_ARM, ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb")],
    ids=["gcc", "clang", "gcc-m55", "clang-m55", "gcc-m4"],
)
def test_compiles_without_warnings(compiler: tuple[str, ...], lowered: Lowered, tmp_path: Path) -> None:
    assert warnings_of(compiler, lowered, tmp_path) == ""


@pytest.mark.parametrize("compiler", [ARM, CLANG_ARM], ids=["gcc", "clang"])
def test_instructions_are_those_of_the_extension(compiler: tuple[str, ...], lowered: Lowered, tmp_path: Path) -> None:
    used = mnemonics_of(compiler, lowered, tmp_path)
    assert {"vqrdmulh", "vqmovnb", "vqmovnt", "vst40", "vldrw", "vstrb", "vmla"} <= used
    assert {"vmladava", "vmlava"} & used
    assert "le" in used, "no low-overhead loop"
