"""Square blocks of the DSP kernels, and what sums of paired channels begin with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lower.board_harness import wrong_operators
from lower.dsp_operators import requantize
from lower.operators import Case, program_of
from tooling import need_board

from edgeq.program.ops import Conv2D, Dense
from edgeq.program.program import Buffer
from edgeq.targets.dsp.pairs import can_join, joined
from edgeq.targets.dsp.schedule import NARROW, SINGLE, SQUARE, WIDE, block_for, single_block
from edgeq.targets.load import load_target

M4 = load_target("cortex-m4")


def test_sums_begin_with_both_biases() -> None:
    bias = np.array([3, -5, -(1 << 20), 7], np.int32)
    assert joined(bias).tolist() == [3, 3 - 5 * 256, -(1 << 20), -(1 << 20) + 7 * 256]


def test_biases_are_joined_as_long_as_sums_fit_with_them() -> None:
    weight = np.full((2, 100), 127, np.int8)
    limit = (1 << 23) - 100 * 127 * 128
    assert can_join(weight, np.array([1 << 30, limit - 1], np.int32))
    assert not can_join(weight, np.array([0, limit], np.int32))
    assert not can_join(weight, np.array([0, -limit], np.int32))
    assert can_join(weight[:1], np.array([1 << 30], np.int32))


@pytest.mark.parametrize("bits", [8, 4])
def test_square_blocks_equal_interpreter(bits: int, tmp_path: Path) -> None:
    """Two pixels times two pairs of channels: rows of even and odd length, one or several to a strip, far biases."""
    need_board(M4)
    rng = np.random.default_rng(bits)
    shapes = [(8, 8, 16, 8, 1), (6, 9, 20, 7, 1), (9, 8, 12, 12, 2), (5, 33, 16, 4, 1), (7, 7, 7, 11, 3)]
    cases = [square_case(rng, *shape, bits) for shape in shapes]
    far = square_case(rng, 6, 4, 16, 8, 1, bits)
    cases.append(Case(replace(far.op, bias=far.op.bias * 1000), far.buffers))
    assert wrong_operators(program_of(cases), M4, tmp_path, bits, samples=2) == []


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_one_pixel_equals_interpreter(bits: int, tmp_path: Path) -> None:
    """Four pairs of channels, or as many as fields of weights: windows of one piece and of several, far biases."""
    need_board(M4)
    rng = np.random.default_rng(1)
    cases = [dense_case(rng, k, o, bits) for k, o in ((640, 16), (35, 23), (8, 8), (130, 7), (64, 24))]
    cases += [square_case(rng, 1, 1, c, 11, 1, bits) for c in (16, 20, 6)]
    cases.append(Case(replace(cases[0].op, bias=cases[0].op.bias * 4000), cases[0].buffers))
    assert wrong_operators(program_of(cases), M4, tmp_path, 1, samples=2) == []


def dense_case(rng: np.random.Generator, k: int, o: int, bits: int) -> Case:
    half = 60 if bits == 8 else 1 << (bits - 1)
    weight, bias = rng.integers(-half, half, (o, k)).astype(np.int8), rng.integers(-8000, 8000, o, np.int32)
    op = Dense("dense", "y", "x", 1, weight, bits, bias, requantize(rng, o))
    return Case(op, {"x": Buffer("x", (1, k)), "y": Buffer("y", (1, o))})


def square_case(rng: np.random.Generator, h: int, w: int, c: int, o: int, stride: int, bits: int) -> Case:
    half = 1 << (bits - 1)
    weight, bias = rng.integers(-half, half, (o, 3, 3, c)).astype(np.int8), rng.integers(-8000, 8000, o, np.int32)
    weight = np.maximum(weight, 1 - half).astype(np.int8)
    y_shape = (1, -(-h // stride), -(-w // stride), o)
    before = [((n - 1) * stride + 3 - m) // 2 for n, m in ((y_shape[1], h), (y_shape[2], w))]
    after = [(n - 1) * stride + 3 - m - b for n, m, b in ((y_shape[1], h, before[0]), (y_shape[2], w, before[1]))]
    pads = tuple(max(p, 0) for p in (*before, *after))
    op = Conv2D(
        "conv", "y", "x", (1, h, w, c), y_shape, weight, bits, bias, -5, requantize(rng, o),
        (stride, stride), (1, 1), pads,
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", y_shape)})


def test_blocks_take_the_registers_and_the_cache_of_a_core() -> None:
    assert block_for(72, 16, 9, load_target("cortex-m7")) == WIDE
    assert [block_for(words, 16, 10, M4) for words in (18, 32, 72)] == [WIDE, NARROW, SQUARE]
    assert [single_block(True, outputs, M4) for outputs in (16, 15, 12, 10)] == [SINGLE, SINGLE, (1, 2), (1, 1)]
    assert [block_for(72, outputs, 10, M4) for outputs in (14, 15)] == [NARROW, SQUARE]


def test_blocks_of_packed_weights_leave_room_for_unpacking_and_few_pixels_over() -> None:
    assert [block_for(words, 16, 33, M4, packed=True) for words in (16, 18)] == [WIDE, SQUARE]
    assert [block_for(16, 16, pixels, M4, packed=True) for pixels in (16, 49, 196)] == [SQUARE, SQUARE, WIDE]
