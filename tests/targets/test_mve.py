"""MVE kernels give the interpreter's integers on an emulated Cortex-M55: random operators, many in one boot."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from lower.board_harness import differing_calls
from lower.every_kernel import every_kernel
from lower.mve_operators import MAKERS
from lower.operators import program_of, random_inputs
from package.toolchain import run
from tooling import need_board, need_tools

from edgeq.lower.lower import lower
from edgeq.lower.objects import compile_objects
from edgeq.lower.select import select
from edgeq.program.interpreter import interpret
from edgeq.program.program import Program
from edgeq.targets.load import load_target
from edgeq.targets.mve.block import blocks, unrolled
from edgeq.targets.mve.requantize import channel_order
from edgeq.targets.mve.weights import packed

M55 = load_target("cortex-m55")


def differing(program: Program, seed: int, folder: Path) -> list[object]:
    """Operators whose kernels give other bytes than the interpreter."""
    need_board(M55)
    inputs = random_inputs(program, 3, seed)
    wrong = differing_calls(lower(program, M55), inputs, interpret(program, inputs), folder)
    return [program.ops[i] for i in wrong]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_equals_interpreter(make, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    assert differing(program_of([make(rng) for _ in range(10)]), 0, tmp_path) == []


def test_what_llvm_vectorizes_by_itself_equals_interpreter(tmp_path: Path) -> None:
    assert differing(every_kernel(), 0, tmp_path) == []


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_random_operators_use_this_family(make) -> None:
    """Else the comparison above would show nothing."""
    program = program_of([make(np.random.default_rng(seed)) for seed in range(20)])
    families = [select(op, program, M55).generate.__module__.split(".")[2] for op in program.ops]
    assert families.count("mve") >= 16


@pytest.mark.parametrize("make", MAKERS[:4], ids=lambda make: make.__name__)
def test_hot_loops_multiply_vectors_only(make, tmp_path: Path) -> None:
    """Low-overhead loops multiply vectors of bytes, and no signed halves one by one (MUL and MLA make addresses)."""
    need_tools("arm-none-eabi-gcc")
    rng = np.random.default_rng(1)
    for kernel in compile_objects(lower(program_of([make(rng) for _ in range(4)]), M55)):
        (tmp_path / "kernel.o").write_bytes(kernel.elf)
        hot = [loop for loop in _loops(tmp_path / "kernel.o") if {"vmlav.s8", "vmlava.s8"} & set(loop)]
        assert hot, "no loop multiplies vectors"
        assert not any(re.match("smla|smul|smml|smmu", word) for loop in hot for word in loop)


def _loops(elf: Path) -> list[list[str]]:
    """Mnemonics of each innermost low-overhead loop of an object."""
    text = run("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", "-m", "armv8.1-m.main", elf)
    lines = re.findall(r"^ +([0-9a-f]+):\t(\S+)[ \t]*(.*)$", text, re.MULTILINE)
    place = {address: i for i, (address, *_) in enumerate(lines)}
    ends = ((i, operands.split()[1]) for i, (_, word, operands) in enumerate(lines) if word == "le")
    return [[word for _, word, _ in lines[place[start] : end]] for end, start in ends]


@pytest.mark.parametrize("bits", [4, 2])
def test_packed_weights_take_their_bits(bits: int) -> None:
    """Bytes as signed numbers, moved down by whole weights: each weight, those above it, and an offset."""
    reach = 1 << (bits - 1)
    weight = np.random.default_rng(0).integers(-reach, reach, (8, 32)).astype(np.int8)
    weights = packed(weight, bits, 1 if bits == 2 else 3)
    data = weights.table.data.astype("<i4").view(np.int8).reshape(-1, 2, 16)
    assert data.size == weight.size * bits // 8
    for channel in range(8):
        block, place = divmod(channel, weights.channels)
        value = data[block].reshape(-1) >> (bits * place)
        if place + 1 < weights.channels:
            value = value - (value >> bits << bits) - reach
        np.testing.assert_array_equal(value, weight[channel])


def test_sums_of_whole_weights_are_collected_even_and_odd_by_eights() -> None:
    assert channel_order(8, 8).tolist() == [0, 2, 4, 6, 1, 3, 5, 7]
    assert channel_order(12, 8).tolist() == list(range(12))
    assert channel_order(8, 4).tolist() == list(range(8))


def test_few_pixels_twice_save_the_code_of_a_smaller_block() -> None:
    assert blocks(32, 3) == (11, 0)
    assert blocks(8, 3) == (3, 0)
    assert blocks(5, 3) == (1, 2)
    assert blocks(16, 3) == (5, 1)
    assert blocks(2, 2) == (1, 0)


def test_turns_of_loops_are_long() -> None:
    assert [unrolled(vectors, 8) for vectors in (3, 12, 20, 23, 27, 64)] == [3, 6, 5, 8, 8, 8]
