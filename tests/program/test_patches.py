"""Patch-based inference: the same bytes, less memory, and nothing written over that is still to be read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program.programs import program
from program.staged import Stage, pyramid

from edgeq.errors import VerificationError
from edgeq.lower.lower import lower
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Add, Conv2D
from edgeq.program.planner import plan_arena
from edgeq.program.program import PortMemory, Program
from edgeq.program.rewrites.patches import Patches, patch, stages
from edgeq.program.semantics import execute
from edgeq.run.host import HostRunner
from edgeq.targets.load import load_target


@st.composite
def staged(draw: st.DrawFn) -> Program:
    stage = Stage((1, draw(st.integers(4, 12)), draw(st.integers(2, 5)), draw(st.integers(1, 4))))
    for _ in range(draw(st.integers(1, 5))):
        _, h, w, _ = stage.shapes[stage.last]
        kind = draw(st.sampled_from(["conv", "depthwise", "max", "mean", "residual"]))
        if kind == "residual":
            stage.residual()
            continue
        kernel = (draw(st.integers(1, min(3, h))), draw(st.integers(1, min(3, w))))
        top, bottom = (draw(st.integers(0, kernel[0] - 1)) for _ in range(2))
        stage.window(kind, kernel, draw(st.sampled_from([1, 1, 2])), (top, kernel[1] - 1, bottom, 0))
    return stage.program(draw(st.sampled_from(["arena", "caller"])))


def samples(net: Program, count: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {p.name: rng.integers(-128, 128, (count, *p.shape)).astype(np.int8) for p in net.inputs}


@settings(deadline=None, max_examples=60)
@given(staged(), st.integers(1, 6))
def test_patches_keep_every_byte(net: Program, strips: int) -> None:
    inputs = samples(net)
    expected = interpret(net, inputs)
    for ops in stages(net):
        for name, array in interpret(patch(net, Patches(ops, strips)), inputs).items():
            np.testing.assert_array_equal(array, expected[name])


@settings(deadline=None, max_examples=40)
@given(staged(), st.integers(2, 6))
def test_what_is_still_to_be_read_is_not_written_over(net: Program, strips: int) -> None:
    for ops in stages(net):
        patched = patch(net, Patches(ops, strips))
        np.testing.assert_array_equal(run_in_arena(patched), interpret(patched, samples(net, 1))[net.outputs[0].name])


def run_in_arena(net: Program) -> np.ndarray:
    """The output of the interpreter's operators with all buffers where the plan puts them."""
    plan, inputs = plan_arena(net), samples(net, 1)
    arena = np.zeros((1, plan.size), np.int8)
    memory = {}
    for b in sorted(net.buffers, key=lambda b: b.base is not None):
        if b.name in plan.offsets:
            flat = arena[:, plan.offsets[b.name] :][:, : b.size]
        else:
            flat = (
                memory[b.base].reshape(1, -1)[:, b.offset :][:, : b.size] if b.base else np.zeros((1, b.size), np.int8)
            )
        memory[b.name] = flat.reshape(1, *b.shape)
    for port in net.inputs:
        memory[port.buffer][...] = inputs[port.name]
    for op in net.ops:
        execute(op, memory)
    return memory[net.outputs[0].buffer]


def test_patches_need_less_memory_and_count_what_is_computed_again() -> None:
    net = pyramid()
    patched = patch(net, Patches(2, 4))
    assert plan_arena(patched).size < plan_arena(net).size
    first, halo = net.ops[0], 3
    assert isinstance(first, Conv2D)
    assert patched.macs - net.macs == halo * first.macs // 16


def test_strips_inside_the_image_share_their_operators_shapes() -> None:
    patched = patch(pyramid(), Patches(2, 4))
    inner = [op for op in patched.ops if isinstance(op, Conv2D)][2:6]
    assert [op.x_shape for op in inner[:2]] == [op.x_shape for op in inner[2:]]
    assert [op.pads for op in inner] == [(0, 1, 0, 1)] * 4


def test_the_result_is_written_over_rows_of_the_input_that_are_used_up() -> None:
    stage = Stage((1, 16, 8, 8))
    stage.window("depthwise", (3, 3), 1, (1, 1, 1, 1))
    net = stage.program()
    image = net.buffer["x"].size
    plan = plan_arena(patch(net, Patches(1, 8)))
    assert image < plan.size < 2 * image
    assert plan.size == plan.lower_bound


@pytest.mark.parametrize("io", ["arena", "caller"])
def test_the_host_gives_the_same_bytes(io: PortMemory) -> None:
    net = pyramid(io)
    patched = patch(net, Patches(2, 3))
    inputs = samples(net)
    got = HostRunner(lower(patched, load_target("host"))).run(inputs)
    for name, array in interpret(net, inputs).items():
        np.testing.assert_array_equal(got[name], array)


@pytest.mark.parametrize("patches", [Patches(0, 2), Patches(3, 2), Patches(99, 2), Patches(2, 0)])
def test_what_is_no_stage_is_refused(patches: Patches) -> None:
    with pytest.raises(VerificationError, match="cannot run in"):
        patch(pyramid(), patches)


def test_an_image_that_is_used_later_ends_no_stage() -> None:
    stage = Stage((1, 8, 4, 2))
    for _ in range(2):
        stage.window("depthwise", (3, 3), 1, (1, 1, 1, 1))
    stage.residual()
    assert list(stages(stage.program())) == [1, 2, 3]  # The residual adds the input, which stays whole.
    assert isinstance(stage.ops[2], Add) and stage.ops[2].x2 == "x"
    stage.ops[2] = replace(stage.ops[2], x2="b0")
    assert list(stages(program(stage.ops, stage.shapes, ["x"], [stage.last]))) == [1, 3]
