"""The search for offsets, and operators that write over what they read."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program.programs import program, requantize

from edgeq.program.ops import AveragePool, Conv2D, Dense, Lut, MaxPool, Op
from edgeq.program.planner import Plan, plan_arena, row_distance
from edgeq.program.planner.blocks import Block, Overlap
from edgeq.program.planner.interference import Interference, interference, lower_bound
from edgeq.program.planner.placement import place, top
from edgeq.program.program import Program
from edgeq.program.semantics import execute

Case = tuple[list[Block], list[Overlap]]
TABLE = np.arange(-128, 128).astype(np.int8)


@st.composite
def placements(draw: st.DrawFn) -> Case:
    """A few blocks, and some pairs of one that ends where another begins."""
    blocks = []
    for i in range(draw(st.integers(1, 6))):
        first = draw(st.integers(0, 6))
        size = 16 * draw(st.integers(1, 9))
        blocks.append(Block([str(i)], size, first, first + draw(st.integers(0, 3))))
    pairs = [(i, j) for i, a in enumerate(blocks) for j, b in enumerate(blocks) if i != j and a.last == b.first]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=2)) if pairs else []
    used = {index: (i, j) for i, j in chosen if (index := blocks[j].first) == blocks[i].last}
    return blocks, [Overlap(i, j, 16 * draw(st.integers(0, 4))) for i, j in used.values()]


def fits(offsets: dict[int, int], space: Interference) -> bool:
    return all(
        offsets[i] >= offsets[j] + distance or offsets[j] >= offsets[i] + space.above[j][i]
        for i, others in enumerate(space.above)
        for j, distance in others.items()
    )


def least_top(space: Interference) -> int:
    """Of all orders; each block as low as it can be above those before it."""
    tops = []
    for order in permutations(range(len(space.sizes))):
        offsets: dict[int, int] = {}
        for i in order:
            offsets[i] = max((offsets[j] + d for j, d in space.above[i].items() if j in offsets), default=0)
        tops.append(top(offsets, space))
    return min(tops)


@settings(deadline=None, max_examples=60)
@given(placements())
def test_few_blocks_are_placed_as_low_as_possible(case: Case) -> None:
    blocks, pairs = case
    space, bound = interference(blocks, pairs), lower_bound(blocks, pairs)
    offsets, proven = place(blocks, space, bound)
    assert fits(offsets, space)
    assert bound <= proven == top(offsets, space) == least_top(space)


def test_greedy_orders_alone_would_not_do() -> None:
    """Five layers of an autoencoder: each order leaves a gap that the search closes."""
    sizes = {"x": 640, "a": 128, "b": 128, "c": 16, "d": 128, "e": 128, "y": 640}
    names = list(sizes)
    ops: list[Op] = [
        Dense(y, y, x, 1, np.ones((sizes[y], sizes[x]), np.int8), 8, np.zeros(sizes[y], np.int32), requantize(sizes[y]))
        for x, y in pairwise(names)
    ]
    net = program(ops, {name: (1, n) for name, n in sizes.items()}, ["x"], ["y"])
    plan = plan_arena(replace(net, io="caller"))
    assert plan.size == plan.lower_bound == 256


def windowed(kind: str, k: int, stride: int, channels: tuple[int, int]) -> Op:
    c, o = channels if kind == "conv" else (channels[0], channels[0])
    shapes = (1, 7, 5, c), (1, (7 - 1) // stride + 1, (5 - 1) // stride + 1, o)
    window = {"strides": (stride, stride), "pads": (k // 2,) * 4}
    if kind == "max":
        return MaxPool("op", "b", "a", *shapes, (k, k), -128, 127, **window)  # type: ignore[arg-type]
    if kind == "mean":
        counts = np.zeros(shapes[1][1:3], np.int32)
        return AveragePool("op", "b", "a", *shapes, (k, k), 3, requantize(m=1 << 27), counts, **window)  # type: ignore[arg-type]
    rng = np.random.default_rng(k)
    weight, groups = (
        rng.integers(-128, 128, (o, k, k, c if kind == "conv" else 1)).astype(np.int8),
        1 if kind == "conv" else c,
    )
    bias = np.zeros(o, np.int32)
    return Conv2D("op", "b", "a", *shapes, weight, 8, bias, 3, requantize(o), groups=groups, **window)  # type: ignore[arg-type]


def net_around(op: Op) -> Program:
    """The operator between two tables, so that its operands lie in the arena."""
    shapes = {"x": op.x_shape, "a": op.x_shape, "b": op.y_shape, "y": op.y_shape}  # type: ignore[attr-defined]
    return program([Lut("first", "a", "x", TABLE), op, Lut("last", "y", "b", TABLE)], shapes, ["x"], ["y"])


def run_row_by_row(op: Op, x: np.ndarray, plan: Plan, *, buffered: bool) -> np.ndarray:
    """What a kernel leaves in an arena that x and y share: row after row, the elements of each in reverse order."""
    arena = np.zeros(plan.size, np.int8)
    at_x, at_y = (arena[plan.offsets[name] :] for name in "ab")
    at_x[: x.size] = x.ravel()
    _, oh, ow, o = op.y_shape  # type: ignore[attr-defined]
    y, seen, rows = np.zeros((1, oh, ow, o), np.int8), np.zeros_like(x)[None], 0
    for row in range(oh):
        reach = row * op.strides[0] + op.pads[0] + 1 if buffered else 0  # type: ignore[attr-defined]
        for column in reversed(range(ow)):
            now = at_x[: x.size].reshape(x.shape)
            if not buffered:
                seen[0] = now
            elif reach > rows:
                seen[0, :, rows:reach], rows = now[:, rows:reach], reach
            execute(op, {"a": seen, "b": y[None]})
            first = (row * ow + column) * o
            at_y[first : first + o] = y[0, row, column]
    return at_y[: y.size].copy()


@pytest.mark.parametrize("kind", ["conv", "depthwise", "max", "mean"])
@pytest.mark.parametrize(("k", "stride"), [(1, 1), (3, 1), (3, 2), (5, 1)])
@pytest.mark.parametrize("channels", [(16, 16), (8, 16), (16, 4)])
@pytest.mark.parametrize("buffered", [False, True])
def test_a_result_may_begin_so_far_below_its_operand(
    kind: str, k: int, stride: int, channels: tuple[int, int], buffered: bool
) -> None:
    op = windowed(kind, k, stride, channels)
    net = net_around(op)
    distance = row_distance(op, net, buffered=buffered)  # type: ignore[arg-type]
    plan = plan_arena(net, distances={1: distance})
    x = np.random.default_rng(1).integers(-128, 128, op.x_shape).astype(np.int8)  # type: ignore[attr-defined]
    y = np.zeros((1, *op.y_shape), np.int8)  # type: ignore[attr-defined]
    execute(op, {"a": x[None], "b": y})
    got = run_row_by_row(op, x, plan, buffered=buffered)
    np.testing.assert_array_equal(got, y.ravel())
    assert plan.size == plan.lower_bound < net.buffer["a"].size + net.buffer["b"].size


@pytest.mark.parametrize(("channels", "shared"), [((4, 4), True), ((4, 8), False)])
def test_a_kernel_that_permits_it_writes_over_an_operand_of_equal_size(channels: tuple[int, int], shared: bool) -> None:
    plan = plan_arena(net_around(windowed("conv", 3, 1, channels)), in_place={1})
    assert (plan.offsets["a"] == plan.offsets["b"]) is shared


def test_scratch_memory_never_meets_what_its_operator_reads_and_writes_over() -> None:
    net = net_around(windowed("conv", 3, 1, (4, 4)))
    plan = plan_arena(net, {"scratch": (1, 100)}, in_place={1})
    assert plan.size == plan.lower_bound == 144 + 112


@pytest.mark.parametrize(("distance", "size"), [(None, 144 + 208 + 144), (64, 144 + 208), (200, 208 + 144 + 144)])
def test_scratch_memory_may_lie_over_what_its_operator_has_read(distance: int | None, size: int) -> None:
    net = net_around(windowed("conv", 3, 1, (4, 4)))
    plan = plan_arena(net, {"scratch": (1, 208)}, scratch_distances={} if distance is None else {"scratch": distance})
    assert plan.size == plan.lower_bound == size
    assert distance is None or plan.offsets["a"] >= plan.offsets["scratch"] + distance
