"""DSP kernels give the interpreter's integers on an emulated Cortex-M4: random operators, many in one boot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lower.board_harness import differing_calls
from lower.operators import Case, program_of, random_inputs
from tooling import need_board

from edgeq.lower.lower import lower
from edgeq.lower.select import for_c, select
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Conv2D, Dense, Requantize
from edgeq.program.program import Buffer
from edgeq.targets.dsp.block import packed_weights
from edgeq.targets.dsp.depthwise_rows import WINDOWS, rows_together
from edgeq.targets.dsp.pairs import can_pair, pair_words
from edgeq.targets.dsp.pointwise import SCRATCH, tile_pixels
from edgeq.targets.load import load_target

M4 = load_target("cortex-m4")
CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 16, 17, 33, 64)


def requantize(rng: np.random.Generator, count: int) -> Requantize:
    """Every form of limits, signs and pre-shift; one multiplier for all channels, or one each."""
    multiplier = rng.integers(1, 1 << 24, rng.choice([1, count])).astype(np.int32)
    lo, hi = ((-128, 127), (-128, 100), (-5, 127), (-90, 90))[rng.integers(4)]
    negative = (multiplier * rng.uniform(-1, 1, len(multiplier))).astype(np.int32) if rng.random() < 0.3 else None
    return Requantize(multiplier, int(rng.integers(-128, 128)), lo, hi, left=int(rng.integers(3)), negative=negative)


def numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Weights, some of them at the ends of their range, and biases."""
    weight = np.clip(rng.normal(0, rng.choice([1, 30, 200]), shape), -127, 127).astype(np.int8)
    return weight, rng.integers(-(1 << 20), 1 << 20, shape[0]).astype(np.int32)


def random_conv2d(rng: np.random.Generator) -> Case:
    """Windows of any size, stride and padding, also over single pixels."""
    c, o = (int(v) for v in rng.choice(CHANNELS, 2))
    kernel, strides = rng.integers(1, 5, 2), rng.integers(1, 4, 2)
    pads = [int(rng.integers(0, k)) for k in (*kernel, *kernel)]
    size = [int(rng.integers(max(1, k - pads[i] - pads[i + 2]), k + 7)) for i, k in enumerate(kernel)]
    out = [(size[i] + pads[i] + pads[i + 2] - int(kernel[i])) // int(strides[i]) + 1 for i in range(2)]
    batch = int(rng.integers(1, 3))
    weight, bias = numbers(rng, (o, *map(int, kernel), c))
    x_shape, y_shape = (batch, *size, c), (batch, *out, o)
    op = Conv2D(
        "conv", "y", "x", x_shape, y_shape, weight, 8, bias, int(rng.integers(-128, 128)), requantize(rng, o),
        tuple(map(int, strides)), (1, 1), tuple(pads),
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", x_shape), "y": Buffer("y", y_shape)})


def random_pointwise(rng: np.random.Generator) -> Case:
    """1x1 convolutions of up to 130 channels."""
    c, o, h, w = (int(v) for v in (*rng.integers(1, 131, 2), *rng.integers(1, 8, 2)))
    weight, bias = numbers(rng, (o, 1, 1, c))
    op = Conv2D("conv", "y", "x", (1, h, w, c), (1, h, w, o), weight, 8, bias, -3, requantize(rng, o))
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_narrow(rng: np.random.Generator) -> Case:
    """1x1 convolutions over few channels and many pixels."""
    c, o, pixels = int(rng.choice([4, 8, 12])), int(rng.integers(1, 30)), int(rng.integers(16, 300))
    weight, bias = numbers(rng, (o, 1, 1, c))
    op = Conv2D("conv", "y", "x", (1, 1, pixels, c), (1, 1, pixels, o), weight, 8, bias, -3, requantize(rng, o))
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_depthwise(rng: np.random.Generator) -> Case:
    """Windows three wide, of one to four rows, over four channels and more."""
    c, kh, stride = int(rng.integers(4, 40)), int(rng.integers(1, 5)), int(rng.integers(1, 3))
    pads = [int(rng.integers(0, k)) for k in (kh, 3, kh, 3)]
    size = [int(rng.integers(max(1, k - pads[i] - pads[i + 2]), k + 20)) for i, k in enumerate((kh, 3))]
    out = [(size[i] + pads[i] + pads[i + 2] - k) // stride + 1 for i, k in enumerate((kh, 3))]
    weight, bias = numbers(rng, (c, kh, 3, 1))
    op = Conv2D(
        "conv", "y", "x", (1, *size, c), (1, *out, c), weight, 8, bias, int(rng.integers(-128, 128)),
        requantize(rng, c), (stride, stride), (1, 1), tuple(pads), c,
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_dense(rng: np.random.Generator) -> Case:
    """One row mostly, of any length."""
    rows, k, o = int(rng.choice([1, 1, 2, 3])), int(rng.integers(1, 400)), int(rng.integers(1, 40))
    weight, bias = numbers(rng, (o, k))
    op = Dense("dense", "y", "x", rows, weight, 8, bias, requantize(rng, o))
    return Case(op, {"x": Buffer("x", (rows, k)), "y": Buffer("y", (rows, o))})


MAKERS = [random_conv2d, random_pointwise, random_narrow, random_depthwise, random_dense]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("seed", range(2))
def test_equals_interpreter(make, seed: int, tmp_path: Path) -> None:
    need_board(M4)
    rng = np.random.default_rng(seed)
    program = program_of([make(rng) for _ in range(16)])
    lowered = lower(program, M4)
    inputs = random_inputs(program, 3, seed)
    wrong = differing_calls(lowered, inputs, interpret(program, inputs), tmp_path)
    assert [program.ops[i] for i in wrong] == []


@pytest.mark.parametrize("make", MAKERS)
def test_random_operators_use_this_family(make) -> None:
    """Else the comparison above would show nothing."""
    program = program_of([make(np.random.default_rng(seed)) for seed in range(20)])
    families = [select(op, program, M4).generate.__module__.split(".")[2] for op in program.ops]
    assert families.count("dsp") >= 18


def test_c_is_printed_from_portable_kernels() -> None:
    program = program_of([random_dense(np.random.default_rng(0))])
    assert "portable" in select(program.ops[0], program, for_c(M4)).generate.__module__


def test_channels_that_cannot_be_paired() -> None:
    weight = np.full((2, 1000), 66, np.int8)
    assert not can_pair(weight)
    assert can_pair(weight[:, :900])
    assert can_pair(weight[:1])
    assert not can_pair(np.array([[0], [-128]], np.int8))
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


@pytest.mark.parametrize(("rows", "outputs"), [(25, 5), (6, 6), (1, 3), (48, 48), (7, 30), (3, 100)])
def test_rows_of_a_step_fit_its_size(rows: int, outputs: int) -> None:
    together = rows_together(rows, outputs)
    assert 1 <= together <= rows
    assert together == 1 or together * min(outputs, 2) <= WINDOWS


def test_all_rows_are_made_at_once_where_they_are_few() -> None:
    assert rows_together(3, 3) == 3
    assert rows_together(25, 5) == 5


@pytest.mark.parametrize(("pixels", "k"), [(2304, 8), (125, 64), (36, 128), (9, 256), (1, 640), (7, 3), (2, 4000)])
def test_tiles_fit_their_scratch_memory(pixels: int, k: int) -> None:
    tile = tile_pixels(pixels, k)
    assert 1 <= tile <= pixels
    assert 2 * tile * k <= SCRATCH or tile <= 2
