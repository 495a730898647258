"""What does nothing goes; the names of the interface stay."""

from __future__ import annotations

import numpy as np
import pytest
from frontend.graphs import apply, ops, parse

from edgeq.passes.remove_dead import RemoveDead
from edgeq.passes.remove_identity import RemoveIdentity

CONSTANTS = {
    "shape": np.array([1, 2, 3], np.int64),
    "zeros": np.zeros(6, np.int64),
    "start": np.array([0], np.int64),
    "end": np.array([99], np.int64),
    "last": np.array([-1], np.int64),
    "before_first": np.array([-99], np.int64),
    "axis": np.array([2], np.int64),
    "back": np.array([-1], np.int64),
    "one": np.ones((1, 1), np.float32),
    "nought": np.zeros((), np.float32),
    "row": np.ones((4, 1, 2, 3), np.float32),
}


@pytest.mark.parametrize(
    "call",
    [
        "Identity(x)",
        "Dropout(x)",
        "Reshape(x, shape)",
        "Transpose<perm = [0, 1, 2]>(x)",
        "Slice(x, start, end)",
        "Pad(x, zeros)",
        "Concat<axis = 1>(x)",
        "Cast<to = 1>(x)",
        "Add(x, nought)",
        "Mul(x, one)",
        "Sub(x, nought)",
        "Div(x, one)",
    ],
)
def test_no_op_goes(call: str) -> None:
    model = parse(f"g (float[1,2,3] z) => (float[1,2,3] y) {{ x = Relu(z)  a = {call}  y = Neg(a) }}", CONSTANTS)
    assert ops(apply(model, RemoveIdentity(), RemoveDead())) == ["Relu", "Neg"]


@pytest.mark.parametrize(
    "call",
    ["Slice(x, last, before_first, axis, back)", "Transpose<perm = [0, 2, 1]>(x)", "Mul(x, row)", "Sub(nought, x)"],
)
def test_what_changes_something_stays(call: str) -> None:
    rank = 4 if "row" in call else 3
    model = parse(
        f"g (float[1,2,3] z) => (float[{'a,b,c,d'[: 2 * rank - 1]}] y) {{ x = Relu(z)  y = {call} }}", CONSTANTS
    )
    assert len(apply(model, RemoveIdentity(), RemoveDead()).graph) == 2


def test_graph_output_takes_the_place_of_the_value() -> None:
    model = parse("g (float[2] x) => (float[2] y) { a = Relu(x)  b = Identity(a)  y = Identity(b) }")
    assert ops(apply(model, RemoveIdentity())) == ["Relu"]


def test_identity_between_names_of_the_interface_stays() -> None:
    model = parse(
        "g (float[2] x) => (float[2] y, float[2] a, float[2] z) { y = Identity(x)  a = Relu(x)  z = Identity(a) }"
    )
    assert ops(apply(model, RemoveIdentity())) == ["Identity", "Relu", "Identity"]


def test_dropout_whose_mask_is_used_stays() -> None:
    model = parse("g (float[2] x) => (float[2] y, bool[2] m) { a = Relu(x)  y, m = Dropout(a) }")
    assert ops(apply(model, RemoveIdentity())) == ["Relu", "Dropout"]


def test_dead_nodes_and_initializers_go() -> None:
    model = parse("g (float[2] x) => (float[2] y) { unused = Neg(x)  y = Relu(x) }", {"w": np.zeros(3, np.float32)})
    kept = apply(model, RemoveDead())
    assert ops(kept) == ["Relu"]
    assert not kept.graph.initializers
