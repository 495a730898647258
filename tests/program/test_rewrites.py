"""Rewrites of the program: cheaper, and the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from program.programs import program, requantize
from program.random_programs import random_programs

from edgeq.calibrate.load import load_samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend.load import load_model
from edgeq.passes.recipes import quantize_passes
from edgeq.pipeline import run_passes
from edgeq.program.builder import build_program
from edgeq.program.interface import quantize_inputs
from edgeq.program.interpreter import interpret
from edgeq.program.ops import AveragePool, Conv2D, Copy, Dense, Fill, Lut, MaxPool, Op, View
from edgeq.program.program import Program
from edgeq.program.rewrites import optimize
from edgeq.program.rewrites.bounds import Bounds, channel_bounds
from edgeq.program.rewrites.readers import needed_channels
from edgeq.program.rewrites.remove_channels import remove_channels
from edgeq.program.verifier import verify_program

RNG = np.random.default_rng(7)
TABLE = np.arange(-128, 128)[::-1].astype(np.int8)


def samples(net: Program, count: int = 5) -> dict[str, np.ndarray]:
    shapes = {port.name: (count, *port.shape) for port in net.inputs}
    return {name: RNG.integers(-128, 128, shape).astype(np.int8) for name, shape in shapes.items()}


def assert_equal_bytes(before: Program, after: Program, inputs: dict[str, np.ndarray] | None = None) -> None:
    inputs = inputs or samples(before)
    expected, got = interpret(before, inputs), interpret(after, inputs)
    for name in expected:
        np.testing.assert_array_equal(got[name], expected[name])


def conv(
    y: str, x: str, weight: np.ndarray, bias: np.ndarray | None = None, side: int = 4, **settings: object
) -> Conv2D:
    """Over a square image that keeps its size."""
    outputs, k, _, depth = weight.shape
    shapes = (1, side, side, depth * int(settings.get("groups", 1))), (1, side, side, outputs)  # type: ignore[call-overload]
    bias = np.zeros(outputs, np.int32) if bias is None else bias
    pads = (k // 2,) * 4
    return Conv2D(y, y, x, *shapes, weight, 8, bias, -3, requantize(outputs), pads=pads, **settings)  # type: ignore[arg-type]


def weights(*shape: int) -> np.ndarray:
    """Without zeros: nothing is constant or unread by chance."""
    return (RNG.integers(1, 20, shape) * RNG.choice([-1, 1], shape)).astype(np.int8)


def dense(y: str, x: str, k: int) -> Dense:
    return Dense(y, y, x, 1, weights(2, k), 8, np.array([5, -7], np.int32), requantize(2))


def net_of(ops: list[Op], **channels: int) -> Program:
    """On an input of four channels, with a matrix product behind the last operator; images are 4 by 4."""
    shapes = {name: (1, 4, 4, count) for name, count in ({"x": 4} | channels).items()}
    ops = [*ops, dense("y", ops[-1].y, 16 * shapes[ops[-1].y][-1])]
    return program(ops, shapes | {"y": (1, 2)}, ["x"], ["y"])


def channels(net: Program, *names: str) -> list[int]:
    return [net.buffer[name].shape[-1] for name in names]


@settings(max_examples=100, deadline=None)
@given(random_programs())
def test_results_keep_every_byte(net: Program) -> None:
    verify_program(net)
    after = optimize(net)
    assert_equal_bytes(net, after)
    assert after.macs <= net.macs
    assert optimize(after) is after


@settings(max_examples=100, deadline=None)
@given(random_programs())
def test_no_value_leaves_its_bounds(net: Program) -> None:
    bounds = channel_bounds(net)

    def check(index: int, op: Op, array: np.ndarray) -> None:
        if net.last_writer[op.y] == index:
            rows = array.reshape(-1, len(bounds[op.y].lo))
            assert (rows >= bounds[op.y].lo).all() and (rows <= bounds[op.y].hi).all()

    interpret(net, samples(net, 20), trace=check)


def test_zero_weights_make_a_channel_part_of_the_readers_bias() -> None:
    weight = weights(8, 1, 1, 4)
    weight[[1, 2, 5, 6]] = 0
    net = net_of([conv("a", "x", weight, RNG.integers(-90000, 90000, 8).astype(np.int32))], a=8)
    after = optimize(net)
    assert channels(after, "a") == [4]
    assert after.macs * 2 == net.macs
    assert (after.ops[-1].bias != net.ops[-1].bias).all()
    assert_equal_bytes(net, after)


def test_a_channel_beyond_its_clamp_for_every_input_goes() -> None:
    bias = np.where(np.arange(8) % 2, 1 << 24, 0).astype(np.int32)
    net = net_of([conv("a", "x", weights(8, 3, 3, 4), bias)], a=8)
    after = optimize(net)
    assert channels(after, "a") == [4]
    assert_equal_bytes(net, after)


@pytest.mark.parametrize(("constant", "left"), [(-3, 4), (9, 8)])
def test_behind_padding_only_a_constant_that_counts_as_padding_goes(constant: int, left: int) -> None:
    weight, bias = weights(8, 1, 1, 4), np.zeros(8, np.int32)
    weight[4:], bias[4:] = 0, constant << 9  # the multiplier is 2^-9
    net = net_of([conv("a", "x", weight, bias), conv("b", "a", weights(4, 3, 3, 8))], a=8, b=4)
    after = optimize(net)
    assert channels(after, "a") == [left]
    assert_equal_bytes(net, after)


def test_unread_channels_go_through_all_that_works_channel_by_channel() -> None:
    reader = weights(4, 1, 1, 8)
    reader[..., ::2] = 0
    shape = (1, 4, 4, 8)
    mean = AveragePool("d", "d", "c", shape, shape, (1, 1), 2, requantize(m=1 << 29), np.zeros((4, 4), np.int32))
    ops: list[Op] = [
        conv("a", "x", weights(8, 1, 1, 4)),
        conv("b", "a", weights(8, 3, 3, 1), groups=8),
        MaxPool("c", "c", "b", shape, shape, (1, 1), -128, 127),
        mean,
        Lut("e", "e", "d", TABLE),
        conv("f", "e", reader),
    ]
    net = net_of(ops, a=8, b=8, c=8, d=8, e=8, f=4)
    after = optimize(net)
    assert channels(after, *"abcdef") == [4] * 6
    assert_equal_bytes(net, after)


def test_what_becomes_unread_goes_in_a_later_round() -> None:
    second, last = weights(8, 1, 1, 8), weights(4, 1, 1, 8)
    last[..., 4:] = 0
    second[:4, ..., :4] = 0
    net = net_of([conv("a", "x", weights(8, 1, 1, 4)), conv("b", "a", second), conv("c", "b", last)], a=8, b=8, c=4)
    assert channels(remove_channels(net), "a", "b") == [8, 4]
    after = optimize(net)
    assert channels(after, "a", "b") == [4, 4]
    assert_equal_bytes(net, after)


def test_a_visible_channel_stays() -> None:
    weight = weights(8, 1, 1, 4)
    weight[:4] = 0
    net = net_of([conv("a", "x", weight)], a=8)
    seen = replace(net, outputs=(*net.outputs, replace(net.outputs[0], name="a", buffer="a", shape=(1, 4, 4, 8))))
    assert optimize(seen) is seen


def test_of_a_constant_image_one_word_stays() -> None:
    net = net_of([conv("a", "x", np.zeros((8, 1, 1, 4), np.int8))], a=8)
    after = optimize(net)
    assert channels(after, "a") == [4]
    assert_equal_bytes(net, after)


def test_channels_stay_in_whole_words() -> None:
    weight = weights(8, 1, 1, 4)
    weight[:5] = 0
    net = net_of([conv("a", "x", weight)], a=8)
    assert channels(optimize(net), "a") == [4]


@pytest.mark.parametrize(("width", "left", "ops"), [(16, 8, 2), (12, 12, 3)])
def test_a_copy_that_no_loops_could_make_keeps_its_operand(width: int, left: int, ops: int) -> None:
    """Every other channel of 16: eight stay, the copy goes. Of 12, whole words would leave six spread unevenly."""
    half = width // 2
    pick = Copy("b", "b", "a", View((16, half), (width, 2)), View((16, half), (half, 1)))
    net = net_of([conv("a", "x", weights(width, 1, 1, 4)), pick], a=width, b=half)
    after = optimize(net)
    assert channels(after, "a") == [left] and len(after.ops) == ops
    assert_equal_bytes(net, after)


def test_a_copy_of_a_whole_buffer_goes() -> None:
    whole = View((64,), (1,))
    net = net_of(
        [Lut("t", "a", "x", TABLE), Copy("c", "b", "a", whole, whole), Lut("u", "c", "b", TABLE)], a=4, b=4, c=4
    )
    after = optimize(net)
    assert [op.name for op in after.ops] == ["t", "u", "y"]
    assert_equal_bytes(net, after)


def test_what_makes_a_copied_output_writes_it_itself() -> None:
    whole = View((64,), (1,))
    shapes = dict.fromkeys(("x", "a", "b", "c"), (1, 4, 4, 4))
    ops: list[Op] = [Lut("t", "a", "x", TABLE), Copy("c", "b", "a", whole, whole), Lut("u", "c", "a", TABLE)]
    net = program(ops, shapes, ["x"], ["b", "c"])
    after = optimize(net)
    assert [(op.name, op.y) for op in after.ops] == [("t", "b"), ("u", "c")]
    assert_equal_bytes(net, after)


def test_an_input_that_is_an_output_is_copied() -> None:
    whole = View((64,), (1,))
    net = program([Copy("c", "b", "x", whole, whole)], dict.fromkeys("xb", (1, 4, 4, 4)), ["x"], ["b"])
    assert optimize(net) is net


def test_operators_that_nothing_reads_go() -> None:
    net = net_of([Fill("fill", "b", 3), Lut("t", "a", "x", TABLE)], a=4, b=4)
    after = optimize(net)
    assert [op.name for op in after.ops] == ["t", "y"] and set(after.buffer) == {"x", "a", "y"}
    assert_equal_bytes(net, after)


def test_a_constant_that_overflows_the_bias_is_kept() -> None:
    bias = np.full(4, 2**31 - 40000, np.int64).astype(np.int32)
    op = conv("b", "a", np.ones((4, 1, 1, 4), np.int8), bias)
    small, large = (Bounds(np.full(4, value), np.full(4, value)) for value in (100, 30000))
    assert not needed_channels(op, small).any()
    assert needed_channels(op, large).all()


def test_vww_loses_the_half_that_is_dead(zoo: Path) -> None:
    model = load_model(zoo / "vww/model.onnx")
    specs = input_specs(model)
    calibration = load_samples(zoo / "vww/calib.npz", specs).first(32)
    qdq, _ = run_passes(model.clone(), quantize_passes(calibration))
    net = build_program(qdq, "vww")
    after = optimize(net)
    assert net.macs == 7_489_664
    assert after.macs < 3_900_000
    images = next(load_samples(zoo / "vww/eval.npz", specs).first(8).batches(8))
    assert_equal_bytes(net, after, quantize_inputs(net, images))
    assert_equal_bytes(net, after)
