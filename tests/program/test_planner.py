"""Arena plans: nothing that lives at the same time overlaps, and the bound is honest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from program.programs import program

from edgeq.program.ops import Add, Lut, Op, View
from edgeq.program.planner import ALIGNMENT, arena_buffers, in_place_operands, plan_arena
from edgeq.program.program import PortMemory, Program

TABLE = np.arange(-128, 128).astype(np.int8)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Chains with skips: tables (in place) and additions over buffers of random sizes."""
    size = draw(st.integers(1, 100))
    shapes: dict[str, tuple[int, ...]] = {"x": (size,)}
    ops: list[Op] = []
    for i in range(draw(st.integers(1, 12))):
        y = f"b{i}"
        x1, x2 = draw(st.sampled_from(sorted(shapes))), draw(st.sampled_from(sorted(shapes)))
        if draw(st.booleans()):
            shapes[y] = shapes[x1]
            ops.append(Lut(y, y, x1, TABLE))
        else:
            shapes[y] = (draw(st.integers(1, min(shapes[x1][0], shapes[x2][0]))),)
            view = View(shapes[y], (1,))
            ops.append(Add(y, y, x1, x2, view, view, 1, 1, 0, 0, -128, 127))
    return program(ops, shapes, ["x"], [f"b{len(ops) - 1}"])


def lifetimes(net: Program) -> dict[str, tuple[int, int]]:
    """First and last user; the caller comes before and after all operators."""
    used = {n: [i for i, op in enumerate(net.ops) if n in op.reads + op.writes] for n in net.buffer}
    for ports, when in ((net.inputs, -1), (net.outputs, len(net.ops))):
        for port in ports:
            used[port.buffer].append(when)
    return {n: (min(at), max(at)) for n, at in used.items() if at}


@settings(deadline=None)
@given(programs(), st.sampled_from(["arena", "caller"]))
def test_live_buffers_overlap_only_in_place(net: Program, io: PortMemory) -> None:
    net = replace(net, io=io)
    plan = plan_arena(net)
    live = lifetimes(net)
    placed = sorted(arena_buffers(net))
    assert set(plan.offsets) == set(placed)
    for i, a in enumerate(placed):
        for b in placed[i + 1 :]:
            if not _meet(live[a], live[b]) or _in_place(net, a, b):
                continue
            end_a, end_b = plan.offsets[a] + net.buffer[a].nbytes, plan.offsets[b] + net.buffer[b].nbytes
            assert end_a <= plan.offsets[b] or end_b <= plan.offsets[a]


@settings(deadline=None)
@given(programs())
def test_plans_are_aligned_and_not_below_the_bound(net: Program) -> None:
    plan = plan_arena(net)
    assert plan.lower_bound <= plan.size and plan.ratio >= 1
    assert all(offset % ALIGNMENT == 0 for offset in plan.offsets.values())
    assert all(plan.offsets[n] + net.buffer[n].nbytes <= plan.size for n in plan.offsets)


def _meet(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


def _in_place(net: Program, a: str, b: str) -> bool:
    """One is written by the op at which the other dies, as an operand that may be overwritten."""
    live = lifetimes(net)
    first, second = sorted((a, b), key=lambda n: live[n][0])
    op = net.ops[live[second][0]]
    return op.y == second and first in in_place_operands(op) and live[first][1] == live[second][0]


def test_a_chain_of_tables_needs_one_buffer() -> None:
    shapes = {f"b{i}": (64,) for i in range(5)}
    ops: list[Op] = [Lut("t", f"b{i + 1}", f"b{i}", TABLE) for i in range(4)]
    plan = plan_arena(program(ops, shapes, ["b0"], ["b4"]))
    assert plan.size == plan.lower_bound == 64


def test_scratch_lives_only_at_its_op() -> None:
    shapes = {f"b{i}": (64,) for i in range(4)}
    ops: list[Op] = [Lut("t", f"b{i + 1}", f"b{i}", TABLE) for i in range(3)]
    plan = plan_arena(program(ops, shapes, ["b0"], ["b3"]), {"s": (1, 100), "t": (2, 100)})
    assert plan.size == 64 + 112


def test_an_operand_walked_in_another_order_is_not_overwritten() -> None:
    turned, straight = View((2, 3), (1, 2)), View((2, 3), (3, 1))
    ops: list[Op] = [
        Lut("t", "a", "x", TABLE),
        Add("s", "b", "a", "a", straight, turned, 1, 1, 0, 0, -128, 127),
        Lut("t", "y", "b", TABLE),
    ]
    plan = plan_arena(program(ops, dict.fromkeys(("x", "a", "b", "y"), (6,)), ["x"], ["y"]))
    assert plan.offsets["a"] != plan.offsets["b"]


@settings(deadline=None)
@given(programs())
def test_blocks_say_where_buffers_lie_and_when(net: Program) -> None:
    plan = plan_arena(net)
    assert max((block.offset + block.size for block in plan.blocks), default=0) == plan.size
    live = lifetimes(net)
    for block in plan.blocks:
        for name in block.names:
            assert plan.offsets[name] == block.offset and net.buffer[name].nbytes <= block.size
            assert block.first <= max(live[name][0], 0) and min(live[name][1], len(net.ops)) <= block.last
