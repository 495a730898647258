"""Kernels for cores without DSP instructions give the interpreter's integers on emulated boards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lower.board_harness import differing_calls
from lower.c_harness import run_checked
from lower.dsp_operators import random_conv2d, random_dense, random_pointwise
from lower.operators import program_of, random_inputs
from tooling import need_board

from edgeq.lower.lower import lower
from edgeq.lower.select import for_c, select
from edgeq.program.interpreter import interpret
from edgeq.targets.base.conv2d import BLOCK, blocked_weights
from edgeq.targets.load import load_target
from edgeq.targets.target import Target

M0, M3 = load_target("cortex-m0"), load_target("cortex-m3")
MAKERS = (random_conv2d, random_pointwise, random_dense)


@pytest.mark.parametrize("target", [M0, M3], ids=lambda target: target.name)
def test_equals_interpreter(target: Target, tmp_path: Path) -> None:
    need_board(target)
    rng = np.random.default_rng(0)
    program = program_of([make(rng) for make in MAKERS for _ in range(10)])
    inputs = random_inputs(program, 3, 0)
    wrong = differing_calls(lower(program, target), inputs, interpret(program, inputs), tmp_path)
    assert [program.ops[i] for i in wrong] == []


@pytest.mark.parametrize(("target", "least"), [(M0, 8), (M3, 30)], ids=["cortex-m0", "cortex-m3"])
def test_random_operators_use_this_family(target: Target, least: int) -> None:
    """Else the comparison above would show nothing; on Cortex-M0, it has convolutions only."""
    rng = np.random.default_rng(0)
    program = program_of([make(rng) for make in MAKERS for _ in range(10)])
    families = [select(op, program, target).generate.__module__.split(".")[2] for op in program.ops]
    assert families.count("base") >= least


def test_c_equals_interpreter(tmp_path: Path) -> None:
    """C is printed from these kernels as they are."""
    rng = np.random.default_rng(1)
    program = program_of([make(rng) for make in MAKERS for _ in range(4)])
    inputs = random_inputs(program, 3, 1)
    assert run_checked(lower(program, for_c(M3)), inputs, interpret(program, inputs), tmp_path) == ""


def test_weights_of_four_channels_lie_side_by_side() -> None:
    weight = np.random.default_rng(0).integers(-128, 128, (6, 2, 3, 5)).astype(np.int8)
    blocks = blocked_weights(weight).reshape(2, 2, 3, 5, BLOCK)
    np.testing.assert_array_equal(blocks[0], np.moveaxis(weight[:4], 0, -1))
    np.testing.assert_array_equal(blocks[1, ..., :2], np.moveaxis(weight[4:], 0, -1))
    assert not blocks[1, ..., 2:].any()
