"""Layer normalization is found in the arithmetic of exporters, and nothing else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from frontend.graphs import apply, ops, parse

from edgeq.passes.fuse_layer_norm import FuseLayerNorm
from edgeq.passes.remove_dead import RemoveDead

CONSTANTS = {
    "axes": np.array([-1]),
    "rows": np.array([1]),
    "two": np.array(2, np.float32),
    "epsilon": np.array(1e-5, np.float32),
    "gamma": np.linspace(-1, 2, 8, dtype=np.float32),
    "beta": np.linspace(0, 1, 8, dtype=np.float32),
}
FORM = (
    "m = ReduceMean<keepdims=1>(x, axes)  d = Sub(x, m)  s = Pow(d, two)  v = ReduceMean<keepdims=1>(s, axes)"
    "  e = Add(v, epsilon)  r = Sqrt(e)  n = Div(d, r)  g = Mul(n, gamma)  y = Add(g, beta)"
)


def _graph(body: str) -> str:
    return f"g (float[2,3,8] x) => (float[2,3,8] y) {{ {body} }}"


@pytest.mark.parametrize("square", ["Pow(d, two)", "Mul(d, d)"])
def test_forms_of_exporters_become_one_operator(square: str) -> None:
    fused = apply(parse(_graph(FORM.replace("Pow(d, two)", square)), CONSTANTS), FuseLayerNorm(), RemoveDead())
    assert ops(fused) == ["LayerNormalization"]
    assert fused.graph[0].attributes.get_float("epsilon") == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("v = ReduceMean<keepdims=1>(s, axes)", "v = ReduceMean<keepdims=1>(s, rows)"),
        ("Add(v, epsilon)", "Add(v, beta)"),
    ],
)
def test_other_arithmetic_stays(right: str, wrong: str) -> None:
    assert "LayerNormalization" not in ops(apply(parse(_graph(FORM.replace(right, wrong)), CONSTANTS), FuseLayerNorm()))
