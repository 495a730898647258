"""Host kernels give the integers of the interpreter, over random operators of every kind and width."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lower.operators import operators, program_of, random_inputs
from lower.targets import BARE, FULL

from edgeq.lower.lower import lower
from edgeq.program.interpreter import interpret
from edgeq.run.host import HostRunner

many = settings(
    max_examples=3,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("target", [FULL, BARE], ids=lambda t: t.name)
@many
@given(cases=st.lists(operators, min_size=12, max_size=12), seed=st.integers(0, 2**32))
def test_equals_interpreter(target, cases, seed) -> None:
    program = program_of(cases)
    inputs = random_inputs(program, 4, seed)
    expected = interpret(program, inputs)
    actual = HostRunner(lower(program, target)).run(inputs)
    for op in program.ops:
        np.testing.assert_array_equal(actual[op.y], expected[op.y], err_msg=repr(op))
