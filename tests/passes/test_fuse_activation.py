"""Clamps merge, and the hard sigmoids are found."""

from __future__ import annotations

import numpy as np
import pytest
from frontend.graphs import apply, ops, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.passes.fold_affine import FoldAffine
from edgeq.passes.fuse_activation import FuseActivation, limits
from edgeq.passes.remove_dead import RemoveDead

NUMBERS = {
    "zero": 0.0,
    "three": 3.0,
    "six": 6.0,
    "sixth": 1 / 6,
    "low": -1.0,
    "high": 2.0,
}
CONSTANTS = {name: np.array(number, np.float32) for name, number in NUMBERS.items()}
STEPS = [
    "Relu({0})",
    "Clip({0}, zero, six)",
    "Clip({0}, low, high)",
    "Clip({0}, three, six)",
    "Max({0}, zero)",
    "Min(six, {0})",
]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=2, max_size=4))
def test_clamps_merge(steps: list[str]) -> None:
    body = "  ".join(f"v{i + 1} = {step.format(f'v{i}')}" for i, step in enumerate(steps))
    text = f"g (float[64] x) => (float[64] y) {{ v0 = Mul(x, six)  {body}  y = Neg(v{len(steps)}) }}"
    assert len(apply(parse(text, CONSTANTS), FuseActivation(), RemoveDead()).graph) == 3


def test_clip_from_zero_is_relu() -> None:
    model = parse("g (float[8] x) => (float[8] y) { y = Clip(x, zero) }", CONSTANTS)
    assert ops(apply(model, FuseActivation())) == ["Relu"]


def test_relu6_keeps_its_name() -> None:
    model = parse("g (float[8] x) => (float[8] y) { a = Relu(x)  y = Min(a, six) }", CONSTANTS)
    fused = apply(model, FuseActivation())
    assert [node.name for node in fused.graph] == ["n1"]
    assert limits(fused.graph[0]) == (0.0, 6.0)


def test_clamp_that_others_read_stays() -> None:
    model = parse("g (float[8] x) => (float[8] y, float[8] a) { a = Relu(x)  y = Clip(a, low, high) }", CONSTANTS)
    assert ops(apply(model, FuseActivation())) == ["Relu", "Clip"]


def test_limits_that_are_inputs_stay() -> None:
    model = parse("g (float[8] x, float h) => (float[8] y) { a = Relu(x)  y = Clip(a, low, h) }", CONSTANTS)
    assert ops(apply(model, FuseActivation())) == ["Relu", "Clip"]


@pytest.mark.parametrize(
    "body",
    [
        "a = Add(x, three)  c = Clip(a, zero, six)  s = Mul(c, sixth)  y = Mul(x, s)",
        "a = Add(three, x)  c = Clip(a, zero, six)  s = Div(c, six)  y = Mul(s, x)",
        "s = HardSigmoid<alpha = 0.16666667, beta = 0.5>(x)  y = Mul(x, s)",
    ],
)
def test_hard_swish_is_found(body: str) -> None:
    model = parse(f"g (float[64] x) => (float[64] y) {{ {body} }}", CONSTANTS)
    last = list(model.graph)[-1].name
    fused = apply(model, FoldAffine(), FuseActivation(), RemoveDead())
    assert [(node.op_type, node.name) for node in fused.graph] == [("HardSwish", last)]


def test_hard_sigmoid_is_found() -> None:
    model = parse(
        "g (float[64] x) => (float[64] y) { a = Add(x, three)  c = Clip(a, zero, six)  y = Mul(c, sixth) }", CONSTANTS
    )
    assert ops(apply(model, FuseActivation(), RemoveDead())) == ["HardSigmoid"]


def test_other_hard_sigmoids_stay() -> None:
    model = parse("g (float[64] x) => (float[64] y) { s = HardSigmoid(x)  y = Mul(x, s) }")
    assert ops(apply(model, FuseActivation())) == ["HardSigmoid", "Mul"]
