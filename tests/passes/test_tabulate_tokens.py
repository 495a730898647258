"""Functions of single tokens become tables, and nothing else does."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from frontend.graphs import apply, ops, parse, run

from edgeq.passes.bound_masks import MASKED, BoundMasks
from edgeq.passes.remove_dead import RemoveDead
from edgeq.passes.tabulate_tokens import TabulateTokens

CONSTANTS = {
    "table": np.arange(15, dtype=np.float32).reshape(5, 3),
    "zero": np.array(0, np.int64),
    "three": np.array(3, np.int64),
    "rows": np.array([[0, 1, 2]], np.int64),
    "masked": np.array(MASKED, np.float32),
    "none": np.zeros((1, 3), np.float32),
    "nowhere": np.zeros((1, 1, 3), np.float32),
    "axes": np.array([1], np.int64),
}
TOKENS = {"t": np.array([[0, 4, 3]])}
EMBEDDED = "e = Gather(table, t)"


def _tabulated(body: str, output: str = "float[1,3] y") -> ir.Model:
    text = f"g (int64[1,3] t) => (float[1,3,3] e, {output}) {{ {EMBEDDED}  {body} }}"
    model = parse(text, CONSTANTS)
    made = apply(model.clone(), TabulateTokens(), RemoveDead())
    for got, expected in zip(run(made, TOKENS), run(model, TOKENS), strict=True):
        np.testing.assert_array_equal(got, expected)
    return made


@pytest.mark.parametrize(
    "body",
    [
        "c = Equal(t, zero)  y = Where(c, masked, none)",
        "c = Equal(t, zero)  d = Not(c)  y = Cast<to = 1>(d)",
        "c = Less(t, three)  d = Greater(t, zero)  b = And(c, d)  y = Where(b, masked, none)",
    ],
)
def test_masks_become_embeddings(body: str) -> None:
    assert ops(_tabulated(body)) == ["Gather", "Gather"]


def test_a_condition_may_be_moved_before_it_chooses() -> None:
    body = "c = Equal(t, zero)  u = Unsqueeze(c, axes)  y = Where(u, masked, nowhere)"
    assert sorted(ops(_tabulated(body, "float[1,1,3] y"))) == ["Gather", "Gather", "Unsqueeze"]


@pytest.mark.parametrize(
    "body",
    [
        "c = Equal(t, rows)  y = Where(c, masked, none)",  # depends on where the token stands
        "m = ReduceMax(t)  c = Equal(t, m)  y = Where(c, masked, none)",  # depends on all tokens
    ],
)
def test_other_functions_stay(body: str) -> None:
    assert "Where" in ops(_tabulated(body))


def test_narrow_tokens_become_int64() -> None:
    model = parse("g (int8[1,3] t) => (float[1,3,3] y) { w = Cast<to = 7>(t)  y = Gather(table, w) }", CONSTANTS)
    (expected,) = run(model, {"t": TOKENS["t"].astype(np.int8)})
    made = TabulateTokens()(model).model
    np.testing.assert_array_equal(run(made, TOKENS)[0], expected)
    assert ops(made) == ["Gather"] and made.graph.inputs[0].dtype == ir.DataType.INT64


def test_minus_infinity_is_bounded_in_masks_only() -> None:
    endless = {"m": np.array([[0, -np.inf, 0]], np.float32)}
    mask = apply(parse("g (float[1,3] x) => (float[1,3] y) { s = Add(x, m)  y = Softmax(s) }", endless), BoundMasks())
    (probabilities,) = run(mask, {"x": np.array([[1, 9, 1]], np.float32)})
    assert probabilities.tolist() == [[0.5, 0, 0.5]]
    product = parse("g (float[1,3] x) => (float[1,3] y) { y = Mul(x, m) }", endless)
    assert not BoundMasks()(product).modified
