"""Vector kernels give the interpreter's integers on every instruction set, and multiply with its best instruction."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lower.board_harness import differing_calls
from lower.dsp_operators import random_conv2d, random_dense, random_depthwise, random_pointwise
from lower.mve_operators import few_bits
from lower.operators import Case, program_of, random_inputs
from package.toolchain import run
from tooling import need_board, need_tools
from tvm.script import tirx as T

from edgeq.lower.lower import lower
from edgeq.lower.objects import compile_objects
from edgeq.lower.select import select
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Conv2D, Requantize
from edgeq.program.program import Buffer
from edgeq.run.device import devices_of
from edgeq.run.host import HostRunner
from edgeq.targets.load import all_targets, load_target
from edgeq.targets.target import Linux
from edgeq.targets.vector.product import LANES, MATRICES

BOARDS = [target for target in all_targets() if target.family == "vector"]
MAKERS = [random_conv2d, random_pointwise, random_dense, random_depthwise]

HOT = {
    "x86-64-avx2": ("", "vpmaddwd", "imul|mul"),
    "x86-64-vnni": ("", "vpdpbusd", "imul|mul|vpmaddwd|vpmull[wd]"),
    "cortex-a53": ("aarch64-linux-gnu-", "smlal2?", "mul|s?maddl?|smull"),
    "cortex-a55": ("aarch64-linux-gnu-", "sdot", "mul|s?maddl?|smull|smlal2?"),
    "cortex-a510": ("aarch64-linux-gnu-", "smmla", "mul|s?maddl?|smull|smlal2?|sdot"),
    "rv64gcv": ("riscv64-linux-gnu-", r"vwmacc\.vx", "mulw?"),
}
"""By target: prefix of its binutils, the instruction of its hot loops, and what must not be in them."""


FORM = Requantize(np.full(64, 1 << 16, np.int32), 3, -128, 127)


def cases(count: int, seed: int) -> list[Case]:
    """Random operators of each kind, with weights of any width."""
    rng = np.random.default_rng(seed)
    return [few_bits(make(rng), rng) for make in MAKERS for _ in range(count)]


@pytest.mark.parametrize("target", [b for b in BOARDS if devices_of(b)], ids=lambda target: target.name)
def test_equals_interpreter(target, tmp_path: Path) -> None:
    need_board(target)
    program = program_of(cases(3, 0))
    inputs = random_inputs(program, 3, 0)
    wrong = differing_calls(lower(program, target), inputs, interpret(program, inputs), tmp_path)
    assert [program.ops[i] for i in wrong] == []


def test_longer_registers_give_the_same_bytes(tmp_path: Path) -> None:
    """RISC-V processors choose their vectors' length: code for 128 bits must run on 512."""
    command = ("qemu-riscv64", "-cpu", "rv64,v=true,vlen=512,vext_spec=v1.0")
    target = replace(load_target("rv64gcv"), linux=Linux(command))
    need_board(target)
    program = program_of(cases(1, 2))
    inputs = random_inputs(program, 3, 2)
    assert differing_calls(lower(program, target), inputs, interpret(program, inputs), tmp_path) == []


def test_vnni_kernels_are_right_but_for_the_instruction(monkeypatch: pytest.MonkeyPatch) -> None:
    """On any CPU: VPDPBUSD replaced by what Intel's manual says that it computes (SDM, volume 2, VPDPBUSD)."""

    def vpdpbusd(acc, x, w):
        products = T.Cast("int32x64", x) * T.Cast("int32x64", w)
        quarters = [T.Shuffle([products], [T.int32(i) for i in range(j, 64, 4)]) for j in range(4)]
        return acc + quarters[0] + quarters[1] + quarters[2] + quarters[3]

    stand_in = replace(LANES["vnni"], multiply=vpdpbusd)
    monkeypatch.setitem(LANES, "vnni", stand_in)
    monkeypatch.setitem(MATRICES, "vnni", stand_in)
    program = program_of(cases(2, 3))
    inputs = random_inputs(program, 3, 3)
    actual, expected = HostRunner(lower(program, load_target("x86-64-vnni"))).run(inputs), interpret(program, inputs)
    for op in program.ops:
        np.testing.assert_array_equal(actual[op.y], expected[op.y], err_msg=repr(op))


@pytest.mark.parametrize("target", BOARDS, ids=lambda target: target.name)
def test_random_operators_use_this_family(target) -> None:
    """Else the comparison above would show little."""
    program = program_of(cases(5, 1))
    families = {op.name: select(op, program, target).generate.__module__.split(".")[2] for op in program.ops}
    assert set(families.values()) == {"vector"}


@pytest.mark.parametrize("target", BOARDS, ids=lambda target: target.name)
def test_hot_loops_multiply_by_the_best_instruction_only(target, tmp_path: Path) -> None:
    prefix, hot, scalar = HOT[target.name]
    need_tools(target.gcc)
    for kernel in compile_objects(lower(program_of([_layer(3), _layer(1)]), target)):
        (tmp_path / "kernel.o").write_bytes(kernel.elf)
        loops = [loop for loop in _loops(f"{prefix}objdump", tmp_path / "kernel.o") if _count(hot, loop)]
        assert loops, f"no loop multiplies by {hot}"
        assert max(_count(hot, loop) / len(loop) for loop in loops) > 0.3
        assert not any(_count(scalar, loop) for loop in loops)


def _layer(kernel: int) -> Case:
    """A convolution of 64 by 64 channels without limits on its sums beyond those of int8."""
    weight = np.random.default_rng(0).integers(-127, 128, (64, kernel, kernel, 64)).astype(np.int8)
    shape, pads = (1, 8, 8, 64), (kernel // 2,) * 4
    op = Conv2D("conv", "y", "x", shape, shape, weight, 8, np.zeros(64, np.int32), -3, FORM, pads=pads)
    return Case(op, {"x": Buffer("x", shape), "y": Buffer("y", shape)})


def _count(pattern: str, loop: list[str]) -> int:
    return sum(re.fullmatch(pattern, word) is not None for word in loop)


def _loops(objdump: str, elf: Path) -> list[list[str]]:
    """Mnemonics of each innermost loop: what lies between a jump back and its target, without such a jump inside."""
    text = run(objdump, "-d", "--no-show-raw-insn", elf)
    lines = re.findall(r"^ +([0-9a-f]+):\t(\S+)[ \t]*(.*)$", text, re.MULTILINE)
    place = {address: i for i, (address, *_) in enumerate(lines)}
    jumps = [(i, re.search(r"\b([0-9a-f]+) <", operands)) for i, (*_, operands) in enumerate(lines)]
    back = [(place[to[1]], i) for i, to in jumps if to and to[1] in place and place[to[1]] <= i]
    inner = [(a, b) for a, b in back if not any(a <= c and d < b for c, d in back)]
    return [[word for _, word, _ in lines[a : b + 1]] for a, b in inner]
