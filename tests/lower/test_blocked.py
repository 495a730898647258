"""Kernels over codes and factors give the interpreter's bytes, and store fewer bytes than those over int8 weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lower.operators import Case, program_of, random_inputs
from lower.targets import BARE, FULL

from edgeq.lower.lower import lower
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Conv2D, Dense, Requantize
from edgeq.program.program import Buffer, Program
from edgeq.run.host import HostRunner
from edgeq.targets.load import load_target
from edgeq.targets.target import Target

RNG = np.random.default_rng(0)


def weights(bits: int, outputs: int, *inner: int, block: int) -> np.ndarray:
    codes = RNG.integers(-(1 << (bits - 1)), 1 << (bits - 1), (outputs, *inner))
    factors = RNG.integers(1, 16, (outputs, *inner[:-1], inner[-1] // block))
    return (codes * factors.repeat(block, axis=-1)).astype(np.int8)


def cases(bits: int, x_bits: int) -> list[Case]:
    right = 2 if x_bits == 16 else 0
    rq = Requantize(RNG.integers(1 << 18, 1 << 22, 4).astype(np.int32), 3, -100, 101, right=right)
    bias, zero = RNG.integers(-999, 999, 4).astype(np.int32), 0 if x_bits == 16 else -5
    image, result = (1, 5, 4, 8), (1, 3, 2, 4)
    kernel = weights(bits, 4, 3, 3, 8, block=4)
    pads = (1, 1, 1, 0)
    conv = Conv2D("conv", "y", "x", image, result, kernel, 8, bias, zero, rq, (2, 2), pads=pads, block=4)
    dense = Dense("dense", "y", "x", 3, weights(bits, 4, 24, block=8), 8, bias, rq, block=8)
    shapes = [(conv, image, result), (dense, (3, 24), (3, 4))]
    return [Case(op, {"x": Buffer("x", x, x_bits), "y": Buffer("y", y)}) for op, x, y in shapes]


@pytest.mark.parametrize("target", [FULL, BARE], ids=lambda target: target.name)
@pytest.mark.parametrize(("bits", "x_bits"), [(4, 8), (2, 8), (4, 16)])
def test_equals_interpreter(target: Target, bits: int, x_bits: int) -> None:
    program = program_of(cases(bits, x_bits))
    inputs = random_inputs(program, 4, 0)
    expected = interpret(program, inputs)
    actual = HostRunner(lower(program, target)).run(inputs)
    for op in program.ops:
        np.testing.assert_array_equal(actual[op.y], expected[op.y], err_msg=op.name)


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m4", "cortex-m55", "rv32imc"])
def test_codes_are_stored_where_flash_is_short(name: str) -> None:
    program = program_of(cases(4, 8)[1:])
    whole = replace(program, ops=tuple(replace(op, block=0) for op in program.ops))
    stored, wide = (_weight_bytes(p, load_target(name)) for p in (program, whole))
    assert stored == 4 * 24 // 2 + 4 * 24 // 8
    assert wide >= 4 * 24


def _weight_bytes(program: Program, target: Target) -> int:
    return sum(constant.data.nbytes for constant in lower(program, target).constants if constant.kind == "weights")
