"""The verifier refuses what no builder should make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from program.programs import program, requantize

from edgeq.errors import VerificationError
from edgeq.program.ops import Copy, Dense, Interpolate, Lut, Op, View
from edgeq.program.program import Program
from edgeq.program.verifier import verify_program

TABLE = np.zeros(256, np.int8)


def dense(**changes: object) -> Dense:
    weight = np.ones((2, 3), np.int8)
    op = Dense("fc", "y", "x", 1, weight, 8, np.zeros(2, np.int32), requantize(2))
    return replace(op, **changes)


def net(op: Op) -> Program:
    return program([op], {"x": (3,), "y": (2,)}, ["x"], ["y"])


def test_a_sound_program_passes() -> None:
    verify_program(net(dense()))


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (dense(x="z"), "reads z, which nothing has written"),
        (dense(y="z"), "writes z, which is not writable"),
        (dense(weight_bits=4, weight=np.full((2, 3), 8, np.int8)), "weights out of range"),
        (dense(bias=np.zeros(2, np.int64)), "bias has the wrong form"),
        (dense(bias=np.full(2, 2**31 - 1, np.int32)), "may overflow int32"),
        (dense(rows=2), "not those of"),
        (dense(requantize=requantize(2, m=1 << 30)), "leaves 30 bits"),
        (Lut("t", "y", "x", TABLE[:8]), "table does not fit"),
        (Interpolate("t", "y", "x", np.zeros(512, np.int32), 7, -9, 9), "table does not fit"),
        (Interpolate("t", "y", "x", np.full(513, 1 << 23, np.int32), 7, -9, 9), "may overflow"),
        (Copy("c", "y", "x", View((2,), (2,), 1), View((2,), (1,))), "leaves it"),
        (Copy("c", "y", "x", View((3,), (1,)), View((2,), (1,))), "different sizes"),
    ],
)
def test_an_unsound_op_is_refused(op: Op, message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        verify_program(net(op))


def test_an_output_that_nothing_writes_is_refused() -> None:
    empty = program([], {"x": (3,), "y": (2,)}, ["x"], ["y"])
    with pytest.raises(VerificationError, match="never written"):
        verify_program(empty)
