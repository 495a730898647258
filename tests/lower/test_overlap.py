"""Kernels must keep the order of loads and stores if the pointers of some call reach the same bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lower.dsp_operators import random_pointwise
from lower.operators import program_of

from edgeq.lower.lower import lower
from edgeq.lower.overlap import Memory, overlap
from edgeq.targets.load import load_target


@pytest.mark.parametrize("seed", range(3))
def test_order_matters_where_the_plan_lets_memory_overlap(seed: int) -> None:
    program = program_of([random_pointwise(np.random.default_rng(seed))])
    for io, expected in (("arena", True), ("caller", False)):
        (kernel,) = lower(replace(program, io=io), load_target("cortex-m4")).kernels
        assert kernel.aliasing == expected


def test_a_kernel_is_compiled_for_all_of_its_calls() -> None:
    """Two equal operators, of which one writes over its input and one must keep it."""
    case = random_pointwise(np.random.default_rng(1))
    first, second = program_of([case]), program_of([case, case])
    assert lower(first, load_target("cortex-m4")).kernels[0].aliasing
    kept = replace(second, outputs=(*second.outputs, replace(second.outputs[0], name="kept", buffer="x_1")))
    (kernel,) = lower(kept, load_target("cortex-m4")).kernels
    assert kernel.aliasing


def test_neighbours_do_not_overlap() -> None:
    assert not overlap([Memory(0, 16), Memory(16, 32), Memory(32, 33)])
    assert overlap([Memory(0, 16), Memory(20, 40), Memory(15, 18)])
