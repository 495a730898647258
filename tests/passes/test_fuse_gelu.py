"""GELU is found in the arithmetic of exporters, and nothing else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from frontend.graphs import apply, ops, parse

from edgeq.passes.fuse_gelu import FuseGelu
from edgeq.passes.remove_dead import RemoveDead

CONSTANTS = {
    name: np.array(number, np.float32) for name, number in {"r": 2**0.5, "q": 0.5**0.5, "one": 1, "half": 0.5}.items()
}
FORMS = [
    "a = Div(x, r)  e = Erf(a)  s = Add(e, one)  p = Mul(x, s)  y = Mul(p, half)",
    "a = Mul(q, x)  e = Erf(a)  s = Add(one, e)  p = Mul(x, half)  y = Mul(s, p)",
    "a = Mul(x, q)  e = Erf(a)  s = Add(e, one)  p = Mul(s, x)  y = Mul(half, p)",
    "a = Div(x, r)  e = Erf(a)  s = Add(e, one)  p = Mul(half, s)  y = Mul(x, p)",
]


@pytest.mark.parametrize("body", FORMS)
def test_forms_of_exporters_become_gelu(body: str) -> None:
    model = parse(f"g (float[2,8] x) => (float[2,8] y) {{ {body} }}", CONSTANTS)
    assert ops(apply(model, FuseGelu(), RemoveDead())) == ["Gelu"]


@pytest.mark.parametrize(("right", "wrong"), [("Div(x, r)", "Div(x, q)"), ("Add(e, one)", "Add(e, half)")])
def test_other_constants_stay(right: str, wrong: str) -> None:
    model = parse(f"g (float[2,8] x) => (float[2,8] y) {{ {FORMS[0].replace(right, wrong)} }}", CONSTANTS)
    assert "Gelu" not in ops(apply(model, FuseGelu()))
