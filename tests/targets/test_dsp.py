"""DSP kernels give the interpreter's integers on an emulated Cortex-M4: random operators, many in one boot."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from lower.board_harness import differing_calls, wrong_operators
from lower.dsp_operators import (
    MAKERS,
    numbers,
    random_conv2d,
    random_dense,
    random_depthwise,
    random_pointwise,
    requantize,
)
from lower.dsp_pools import POOLS, random_average_pool, random_max_pool
from lower.dsp_widths import halved, packed_addition, packed_layer, packed_pool, with_result
from lower.operators import Case, program_of, random_inputs
from tooling import need_board

from edgeq.lower.lower import lower
from edgeq.lower.objects import compile_objects
from edgeq.lower.select import select
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Conv2D, Dense
from edgeq.program.program import Buffer, Program
from edgeq.program.verifier import verify_program
from edgeq.targets.dsp.depthwise_rows import rows_together
from edgeq.targets.dsp.fields import field_biases, fields_fit, packed_fields
from edgeq.targets.dsp.near import Near, packed_groups
from edgeq.targets.dsp.pairs import can_pair, packed_weights, pair_words
from edgeq.targets.dsp.pointwise import PACKED_SCRATCH, SCRATCH, tile_pixels
from edgeq.targets.dsp.schedule import Schedule, choosing
from edgeq.targets.dsp.wide import sums_in_word
from edgeq.targets.load import load_target

M4 = load_target("cortex-m4")


@pytest.mark.parametrize("make", [*MAKERS, *POOLS])
@pytest.mark.parametrize("seed", range(2))
def test_equals_interpreter(make, seed: int, tmp_path: Path) -> None:
    need_board(M4)
    rng = np.random.default_rng(seed)
    program = program_of([make(rng) for _ in range(16)])
    assert wrong_operators(program, M4, tmp_path, seed) == []


@pytest.mark.parametrize("k", [12, 64, 128, 256])
def test_input_is_widened_into_memory_that_lies_over_it(k: int, tmp_path: Path) -> None:
    need_board(M4)
    rng = np.random.default_rng(k)
    weight, bias = numbers(rng, (10, k))
    op = Dense("dense", "y", "x", 1, weight, 8, bias, requantize(rng, 10))
    case = Case(op, {"x": Buffer("x", (1, k)), "y": Buffer("y", (1, 10))})
    program = program_of([case])
    lowered = lower(program, M4)
    assert lowered.plan.offsets["scratch0"] < lowered.plan.offsets["x_0"] < lowered.plan.offsets["scratch0"] + 2 * k
    inputs = random_inputs(program, 3, k)
    assert differing_calls(lowered, inputs, interpret(program, inputs), tmp_path, planned=True) == []


@pytest.mark.parametrize("straight", [0, 24])
def test_weights_near_equal_interpreter(straight: int, tmp_path: Path) -> None:
    need_board(M4)
    rng = np.random.default_rng(straight)
    program = program_of([make(rng) for make in (random_conv2d, random_pointwise) for _ in range(8)])
    with choosing(lambda shape, target: Schedule(16, straight, near=True)):
        assert wrong_operators(program, M4, tmp_path, straight) == []


def narrowed(case: Case, bits: int, rng: np.random.Generator) -> Case:
    """The operator with random weights of fewer bits."""
    weight = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), case.op.weight.shape).astype(np.int8)
    return Case(replace(case.op, weight=weight, weight_bits=bits), case.buffers)


@pytest.mark.parametrize("bits", [4, 2])
def test_packed_weights_equal_interpreter(bits: int, tmp_path: Path) -> None:
    need_board(M4)
    rng = np.random.default_rng(bits)
    program = program_of([narrowed(make(rng), bits, rng) for make in MAKERS for _ in range(8)])
    assert wrong_operators(program, M4, tmp_path, bits) == []


def test_packed_activations_equal_interpreter(tmp_path: Path) -> None:
    need_board(M4)
    rng = np.random.default_rng(1)
    makers = (random_conv2d, random_pointwise, random_depthwise, random_dense)
    cases = [packed_layer(make, rng) for make in makers for _ in range(8)]
    cases += [packed_pool(make, rng) for make in (random_average_pool, random_max_pool) for _ in range(6)]
    program = program_of([*cases, *(packed_addition(rng) for _ in range(6))])
    verify_program(program)
    assert_family(program, 1)
    assert wrong_operators(program, M4, tmp_path, 1) == []


def test_activations_of_sixteen_bits_equal_interpreter(tmp_path: Path) -> None:
    need_board(M4)
    rng = np.random.default_rng(1)
    program = program_of([halved(make(rng), rng) for make in MAKERS for _ in range(6)])
    verify_program(program)
    assert_family(program, 0.95)
    assert wrong_operators(program, M4, tmp_path, 1) == []


def test_sums_of_more_than_a_word_equal_interpreter(tmp_path: Path) -> None:
    need_board(M4)
    rng = np.random.default_rng(0)
    cases = []
    for k, o in ((600, 3), (800, 5), (1001, 2)):
        weight = rng.integers(100, 128, (o, k)).astype(np.int8) * rng.choice([-1, 1], (o, 1)).astype(np.int8)
        op = Dense("dense", "y", "x", 2, weight, 8, np.zeros(o, np.int32), requantize(rng, o))
        cases.append(halved(Case(op, {"x": Buffer("x", (2, k)), "y": Buffer("y", (2, o))}), rng))
    assert [sums_in_word(case.op) for case in cases] == [False] * 3
    assert wrong_operators(program_of(cases), M4, tmp_path, 0) == []


def test_results_of_sixteen_bits_equal_interpreter(tmp_path: Path) -> None:
    """Of bytes; where results lie over operands, too."""
    need_board(M4)
    rng = np.random.default_rng(3)
    program = program_of([with_result(make(rng), 16) for make in (*MAKERS, random_average_pool) for _ in range(2)])
    assert_family(program, 0.9)
    assert wrong_operators(program, M4, tmp_path, 3) == []


def assert_family(program: Program, share: float) -> None:
    """Else comparisons would show nothing."""
    families = [select(op, program, M4).generate.__module__.split(".")[2] for op in program.ops]
    assert families.count("dsp") >= share * len(families)


@pytest.mark.parametrize(("bits", "share"), [(4, 0.52), (2, 0.3)])
def test_packed_weights_take_less_flash(bits: int, share: float) -> None:
    rng = np.random.default_rng(0)
    weight = rng.integers(-1, 2, (32, 3, 3, 16)).astype(np.int8)
    wide = Conv2D(
        "conv", "y", "x", (1, 8, 8, 16), (1, 6, 6, 32), weight, 8, np.zeros(32, np.int32), 0, requantize(rng, 32)
    )
    sizes = []
    for op in (wide, replace(wide, weight_bits=bits)):
        lowered = lower(program_of([Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})]), M4)
        sizes.append(sum(c.data.nbytes for c in lowered.constants if c.kind == "weights"))
    assert sizes[1] <= share * sizes[0]


@pytest.mark.parametrize(("make", "bits"), [(m, 8) for m in POOLS] + [(m, b) for m in MAKERS for b in (8, 4, 2)])
def test_random_operators_use_this_family(make, bits: int) -> None:
    """Else the comparisons above would show nothing."""
    rng = np.random.default_rng(0)
    cases = [make(rng) for _ in range(20)]
    program = program_of(cases if bits == 8 else [narrowed(case, bits, rng) for case in cases])
    families = [select(op, program, M4).generate.__module__.split(".")[2] for op in program.ops]
    assert families.count("dsp") >= 18


def test_channels_that_cannot_be_paired() -> None:
    weight = np.full((2, 1000), 66, np.int8)
    assert not can_pair(weight)
    assert can_pair(weight[:, :900])
    assert can_pair(weight[:1])
    assert not can_pair(np.array([[-1], [-128]], np.int8))
    assert can_pair(np.array([[0], [-128]], np.int8))
    assert can_pair(np.array([[-128], [0]], np.int8))


def test_pair_words_hold_both_channels() -> None:
    """The low bytes of a word are the even channel; its halves are even + 256 odd."""
    weight = np.random.default_rng(0).integers(-127, 128, (6, 8)).astype(np.int8)
    words = pair_words(weight)
    halves = words.view(np.int16).reshape(3, 8).astype(np.int32)
    np.testing.assert_array_equal(halves.astype(np.int8), weight[0::2])
    np.testing.assert_array_equal((halves - weight[0::2]) >> 8, weight[1::2])


def test_packed_weights_are_in_the_order_of_the_loops() -> None:
    weight = np.arange(4 * 6, dtype=np.int8).reshape(4, 6)
    words = pair_words(weight)
    assert packed_weights(weight, 1).tolist() == words.reshape(-1).tolist()
    expected = [words[0, 0], words[0, 1], words[1, 0], words[1, 1], words[0, 2], words[1, 2]]
    assert packed_weights(weight, 2).tolist() == expected
    assert packed_weights(weight, 2, 1).tolist() == words.T.reshape(-1).tolist()


@pytest.mark.parametrize("bits", [4, 2])
def test_packed_groups_hold_paired_words(bits: int) -> None:
    """Field i of every byte of a word, moved down by half its range, is that of the i-th paired word it stands for."""
    half = 1 << (bits - 1)
    weight = np.random.default_rng(bits).integers(-half, half, (6, 14)).astype(np.int8)
    pairs = pair_words(weight)
    near = Near(pairs.shape[1], bits)
    packed = packed_groups(pairs, bits).reshape(3, near.stored)
    fields = packed[..., None].view(np.uint32) >> (bits * np.arange(near.per_word, dtype=np.uint32))
    raised = (fields & (((1 << bits) - 1) * 0x01010101)).astype(np.uint32)
    words = (raised.view(np.int16) - half * 0x0101).astype(np.int16).view(np.int32).reshape(3, -1)
    np.testing.assert_array_equal(words[:, : pairs.shape[1]], pairs)
    assert near.needed == words.shape[1]


@pytest.mark.parametrize("bits", [4, 2])
def test_fields_are_several_channels_of_an_input(bits: int) -> None:
    half, fields = 1 << (bits - 1), 16 // bits
    weight = np.random.default_rng(bits).integers(-half, half, (fields + 1, 6)).astype(np.int8)
    halves = packed_fields(weight, bits).view(np.int16).reshape(2, 6).astype(np.int64)
    for i in range(fields - 1):
        np.testing.assert_array_equal((halves[0] >> (bits * i) & (2 * half - 1)) - half, weight[i])
    np.testing.assert_array_equal(halves[0] >> (bits * (fields - 1)), weight[fields - 1])
    np.testing.assert_array_equal((halves[1] & (2 * half - 1)) - half, weight[fields])


def test_fields_fit_as_long_as_their_sums_do() -> None:
    none = np.zeros(1, np.int32)
    assert fields_fit(np.full((1, 584), 7, np.int8), none, 4)
    assert not fields_fit(np.full((1, 586), 7, np.int8), none, 4)
    assert fields_fit(np.full((1, 1022), 1, np.int8), none, 2)
    assert not fields_fit(np.full((1, 1024), 1, np.int8), none, 2)
    assert fields_fit(np.full((1, 512), 4, np.int8), none + (1 << 18) - 1, 4)
    assert not fields_fit(np.full((1, 512), 4, np.int8), none - (1 << 18), 4)


def test_biases_of_fields_add_up_within_groups() -> None:
    bias = np.array([3, -5, 7, 1 << 16, 9], np.int32)
    sums = [3, 3 - 5 * 16, 3 - 5 * 16 + 7 * 256, 3 - 5 * 16 + 7 * 256 + (1 << 28), 9, 9, 9, 9]
    assert field_biases(bias, 4).tolist() == sums


@pytest.mark.parametrize(("rows", "outputs"), [(25, 5), (6, 6), (1, 3), (48, 48), (7, 30), (3, 100)])
def test_rows_of_a_step_fit_its_size(rows: int, outputs: int) -> None:
    together = rows_together(rows, outputs, 25)
    assert 1 <= together <= rows
    assert together == 1 or together * min(outputs, 2) <= 25


def test_all_rows_are_made_at_once_where_they_are_few() -> None:
    assert rows_together(3, 3, 25) == 3
    assert rows_together(25, 5, 25) == 5


@pytest.mark.parametrize(("pixels", "k"), [(2304, 8), (125, 64), (36, 128), (9, 256), (1, 640), (7, 3), (2, 4000)])
def test_tiles_fit_their_scratch_memory(pixels: int, k: int) -> None:
    for block, packed in product((2, 3), (False, True)):
        tile = tile_pixels(pixels, k, block, packed=packed)
        assert 1 <= tile <= pixels
        assert 2 * tile * k <= (PACKED_SCRATCH if packed else SCRATCH) or tile <= block


def test_zero_points_do_not_make_another_kernel() -> None:
    case = random_conv2d(np.random.default_rng(5))
    other = replace(case.op, x_zero_point=7, requantize=replace(case.op.requantize, zero_point=-9))
    lowered = lower(program_of([case, Case(other, case.buffers)]), M4)
    assert len(lowered.kernels) == 1


def test_sums_stay_in_their_registers(tmp_path: Path) -> None:
    """Every product is added in place: as many sums as registers can hold need no moves."""
    need_board(M4)
    case = random_pointwise(np.random.default_rng(1))
    for kernel in compile_objects(lower(program_of([case]), load_target("cortex-m7"))):
        (tmp_path / "kernel.o").write_bytes(kernel.elf)
    command = ["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", str(tmp_path / "kernel.o")]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sums = re.findall(r"smlad\s+(\w+), \w+, \w+, (\w+)", listing)
    assert len(sums) >= 12
    assert all(result == addend for result, addend in sums)
