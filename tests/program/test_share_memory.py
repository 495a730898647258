"""Copies into parts of a buffer, or out of them, vanish where the elements are next to each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from program.programs import program, requantize

from edgeq.lower.lower import lower
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Copy, Fill, Interpolate, Lut, Op, View
from edgeq.program.planner import plan_arena
from edgeq.program.program import Program
from edgeq.program.rewrites import share_memory
from edgeq.run.host import HostRunner
from edgeq.targets.load import load_target

TABLE = np.arange(-128, 128)[::-1].astype(np.int8)


def lut(y: str, x: str) -> Lut:
    return Lut(y, y, x, TABLE)


def run(first: int, size: int) -> View:
    return View((size,), (1,), first)


def into(y: str, x: str, first: int, size: int = 16, **settings: object) -> Copy:
    return Copy(y, y, x, run(0, size), run(first, size), **settings)  # type: ignore[arg-type]


def out_of(y: str, x: str, first: int, size: int = 16) -> Copy:
    return Copy(y, y, x, run(first, size), run(0, size))


def net(ops: list[Op], **sizes: int) -> Program:
    shapes = {name: (1, size) for name, size in sizes.items()}
    return program(ops, shapes, ["x"], ["y"])


def concatenation() -> Program:
    ops = [lut("a", "x"), lut("b", "a"), into("c", "a", 0), into("c", "b", 16), lut("y", "c")]
    return net(ops, x=16, a=16, b=16, c=32, y=32)


def split() -> Program:
    ops: list[Op] = [lut("a", "x"), out_of("b", "a", 16), out_of("c", "a", 0), into("y", "b", 0), into("y", "c", 16)]
    return net(ops, x=32, a=32, b=16, c=16, y=32)


def assert_equal_bytes(before: Program, after: Program) -> None:
    inputs = {"x": np.random.default_rng(0).integers(-128, 128, (3, *before.inputs[0].shape)).astype(np.int8)}
    expected = interpret(before, inputs)["y"]
    np.testing.assert_array_equal(interpret(after, inputs)["y"], expected)
    got = HostRunner(lower(after, load_target("host"))).run(inputs)["y"]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("before", "copies"), [(concatenation(), 0), (split(), 2)], ids=["concat", "split"])
def test_needless_copies_vanish(before: Program, copies: int) -> None:
    after = share_memory(before)
    assert sum(isinstance(op, Copy) for op in after.ops) == copies
    assert plan_arena(after).size <= plan_arena(before).size
    assert share_memory(after) is after
    assert_equal_bytes(before, after)


def test_operands_are_written_where_the_concatenation_has_them() -> None:
    after = share_memory(concatenation())
    assert [(b.name, b.base, b.offset) for b in after.buffers if b.base] == [("a", "c", 0), ("b", "c", 16)]
    offsets = plan_arena(after).offsets
    assert (offsets["a"], offsets["b"]) == (offsets["c"], offsets["c"] + 16)


def test_an_operand_that_appears_twice_is_copied_once() -> None:
    before = net([lut("a", "x"), into("c", "a", 0), into("c", "a", 16), lut("y", "c")], x=16, a=16, c=32, y=32)
    after = share_memory(before)
    assert sum(isinstance(op, Copy) for op in after.ops) == 1
    assert_equal_bytes(before, after)


@pytest.mark.parametrize(
    "ops",
    [
        [lut("a", "x"), Copy("c", "c", "a", run(0, 16), View((16,), (2,))), lut("y", "c")],
        [lut("a", "x"), into("c", "a", 0, requantize=requantize()), lut("y", "c")],
        [lut("a", "x"), Fill("c", "c", 7), into("c", "a", 8), lut("y", "c")],
        [into("c", "x", 0), lut("y", "c")],
        [lut("a", "x"), Fill("y", "y", 1), into("y", "a", 0)],
    ],
    ids=["with gaps", "on another grid", "over a border", "of an input", "into an output"],
)
def test_copies_that_are_needed_stay(ops: list[Op]) -> None:
    before = net(ops, x=16, a=16, c=32, y=32)
    before = replace(before, buffers=tuple(b for b in before.buffers if b.name in used(before)))
    assert share_memory(before) is before


@pytest.mark.parametrize(("first", "copies"), [(16, 0), (15, 1)])
def test_halves_begin_where_words_do(first: int, copies: int) -> None:
    """Kernels read two at once."""
    wide = np.arange(256).astype(np.int16)
    ops: list[Op] = [Lut("a", "a", "x", wide), Lut("b", "b", "x", wide), into("c", "a", 32), into("c", "b", first)]
    line = Interpolate("y", "y", "c", np.zeros(513, np.int32), 15, -128, 127)
    before = net([*ops, line], x=16, a=16, b=16, c=48, y=48)
    halves = tuple(replace(b, bits=16) if b.name in "abc" else b for b in before.buffers)
    after = share_memory(replace(before, buffers=halves))
    assert sum(isinstance(op, Copy) for op in after.ops) == copies


def used(before: Program) -> set[str]:
    return {name for op in before.ops for name in op.reads + op.writes}
