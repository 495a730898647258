"""The order of operators: least memory at the worst moment, and the same bytes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from program.programs import program
from program.random_programs import random_programs

from edgeq.program.interpreter import interpret
from edgeq.program.ops import Copy, Lut, Op, View
from edgeq.program.planner import plan_arena
from edgeq.program.program import Program
from edgeq.program.rewrites.order_ops import order_ops
from edgeq.program.verifier import verify_program

TABLE = np.arange(-128, 128).astype(np.int8)


def branches() -> Program:
    """Two branches that each go through a large buffer, side by side as some exporters write them."""
    wide, narrow = View((100,), (0,)), View((10,), (1,))
    ops: list[Op] = [
        Copy("grow1", "a", "x", wide, View((100,), (1,))),
        Copy("grow2", "b", "x", wide, View((100,), (1,))),
        Copy("shrink1", "c", "a", narrow, narrow),
        Copy("shrink2", "d", "b", narrow, narrow),
        Copy("join1", "e", "c", narrow, narrow),
        Copy("join2", "e", "d", narrow, View((10,), (1,), 10)),
        Lut("end", "y", "e", TABLE),
    ]
    shapes = {"x": (1,), "a": (100,), "b": (100,), "c": (10,), "d": (10,), "e": (20,), "y": (20,)}
    return program(ops, shapes, ["x"], ["y"])


def test_one_branch_ends_before_the_next_begins() -> None:
    net = branches()
    after = order_ops(net)
    assert plan_arena(net).lower_bound >= 2 * 112
    assert plan_arena(after).lower_bound <= 112 + 2 * 16
    verify_program(after)
    x = {"x": np.array([[5], [-7]], np.int8)}
    np.testing.assert_array_equal(interpret(after, x)["y"], interpret(net, x)["y"])
    assert order_ops(after) is after


@settings(max_examples=60, deadline=None)
@given(random_programs())
def test_results_keep_every_byte_in_the_new_order(net: Program) -> None:
    after = order_ops(net)
    verify_program(after)
    x = {"x": np.random.default_rng(3).integers(-128, 128, (3, *net.buffer["x"].shape)).astype(np.int8)}
    expected, got = interpret(net, x), interpret(after, x)
    for name in expected:
        np.testing.assert_array_equal(got[name], expected[name])
    assert sorted(op.name for op in after.ops) == sorted(op.name for op in net.ops)
    assert order_ops(after) is after
