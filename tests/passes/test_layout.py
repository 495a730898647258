"""Transposes cancel, also across what works in any axis order."""

from __future__ import annotations

import numpy as np
import pytest
from frontend.graphs import apply, ops, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.passes.layout import Layout
from edgeq.passes.remove_dead import RemoveDead

NHWC = "Transpose<perm = [0, 2, 3, 1]>"
NCHW = "Transpose<perm = [0, 3, 1, 2]>"
RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


CONSTANTS = {
    "w": normal(3, 3, 1, 1),
    "row": normal(3),
    "slope": np.abs(normal(1, 1, 3)),
    "pads": np.array([0, 1, 2, 0, 0, 0, 1, 0], np.int64),
    "start": np.array([1], np.int64),
    "end": np.array([3], np.int64),
    "channel": np.array([-1], np.int64),
    "row_axis": np.array([1], np.int64),
}


@pytest.mark.parametrize(
    "call",
    [
        "Relu(t)",
        "Add(t, row)",
        "Mul(row, t)",
        "PRelu(t, slope)",
        "Softmax<axis = -1>(t)",
        "Concat<axis = 3>(t, t)",
        "Pad(t, pads)",
        "Slice(t, start, end, row_axis)",
        "Slice(t, start, end, channel)",
    ],
)
def test_inverse_pair_vanishes_across(call: str) -> None:
    model = parse(
        f"""g (float[1,3,4,5] x) => (float[1,a,b,c] y) {{
            k = Conv(x, w)  t = {NHWC}(k)  u = {call}  v = {NCHW}(u)  y = Relu(v)
        }}""",
        CONSTANTS,
    )
    assert ops(apply(model, Layout(), RemoveDead())) == ["Conv", call.split("<")[0].split("(")[0], "Relu"]


def test_residual_network_in_nhwc_runs_in_nchw() -> None:
    model = parse(
        f"""g (float[1,4,4,3] x) => (float[1,4,4,3] y) {{
            a = {NCHW}(x)  b = Conv(a, w)  c = {NHWC}(b)  d = Relu(c)
            e = {NCHW}(d)  f = Conv(e, w)  g = {NHWC}(f)  h = Add(g, d)  i = Relu(h)
            j = {NCHW}(i)  k = Conv(j, w)  y = {NHWC}(k)
        }}""",
        CONSTANTS,
    )
    moved = ops(apply(model, Layout()))
    assert moved == ["Transpose", "Conv", "Relu", "Conv", "Add", "Relu", "Conv", "Transpose"]


def test_split_and_concat_move() -> None:
    model = parse(
        f"""g (float[1,4,2,2] x) => (float[1,4,2,2] y) {{
            a = Relu(x)  t = {NHWC}(a)  p, q = Split<axis = 3, num_outputs = 2>(t)  r = Concat<axis = -1>(q, p)
            y = {NCHW}(r)
        }}"""
    )
    assert ops(apply(model, Layout())) == ["Relu", "Split", "Concat"]


def test_value_that_is_also_an_output_keeps_its_layout_there() -> None:
    model = parse(
        f"""g (float[1,3,4,5] x) => (float[1,3,4,5] y, float[1,4,5,3] u, float[1,3,4,5] v) {{
            k = Conv(x, w)  t = {NHWC}(k)  u = Relu(t)  v = {NCHW}(u)  s = {NCHW}(u)  y = Neg(s)
        }}""",
        CONSTANTS,
    )
    assert ops(apply(model, Layout())).count("Transpose") == 1


def test_leading_transpose_of_an_input_stays() -> None:
    model = parse(
        f"g (float[1,4,4,3] x) => (float[1,3,4,4] y) {{ a = {NCHW}(x)  b = Relu(a)  y = Conv(b, w) }}", CONSTANTS
    )
    assert ops(apply(model, Layout())) == ["Transpose", "Relu", "Conv"]


def test_transpose_in_front_of_flatten_stays_where_order_matters() -> None:
    model = parse(f"g (float[1,3,4,5] x) => (float[1,60] y) {{ a = Relu(x)  t = {NHWC}(a)  y = Flatten(t) }}")
    assert ops(apply(model, Layout())) == ["Relu", "Transpose", "Flatten"]


def test_transpose_of_a_pooled_map_goes() -> None:
    model = parse(
        f"g (float[1,3,4,5] x) => (float[1,3] y) {{ a = GlobalAveragePool(x)  t = {NHWC}(a)  y = Flatten(t) }}"
    )
    assert ops(apply(model, Layout(), RemoveDead())) == ["GlobalAveragePool", "Reshape"]


def test_quantizers_are_borders() -> None:
    model = parse(
        f"""g (float[1,3,4,5] x) => (float[1,3,4,5] y) <float s = {{0.1}}, int8 z = {{0}}> {{
            t = {NHWC}(x)  q = QuantizeLinear(t, s, z)  d = DequantizeLinear(q, s, z)  y = {NCHW}(d)
        }}"""
    )
    assert ops(apply(model, Layout())) == ["Transpose", "QuantizeLinear", "DequantizeLinear", "Transpose"]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_random_graphs_keep_their_function(data: st.DataObject) -> None:
    """Transposes and movable operators at random over a 2x2x2x2 tensor, so that every operand fits every other."""
    values, body = ["x"], []
    for number in range(data.draw(st.integers(2, 8), label="nodes")):
        a, b = data.draw(st.sampled_from(values)), data.draw(st.sampled_from(values))
        perm = data.draw(st.sampled_from(["0, 2, 3, 1", "0, 3, 1, 2", "1, 0, 3, 2"]))
        call = data.draw(
            st.sampled_from(
                [
                    f"Transpose<perm = [{perm}]>({a})",
                    f"Relu({a})",
                    f"Add({a}, {b})",
                    f"Add({a}, k)",
                    f"Softmax<axis = 1>({a})",
                ]
            )
        )
        body.append(f"v{number} = {call}")
        values.append(f"v{number}")
    outputs = data.draw(st.sets(st.sampled_from(values[1:]), min_size=1, max_size=3))
    signature = ", ".join(f"float[2,2,2,2] {name}" for name in sorted(outputs))
    model = parse(f"g (float[2,2,2,2] x) => ({signature}) {{ {'  '.join(body)} }}", {"k": normal(2, 1)})
    before = ops(model).count("Transpose")
    assert ops(apply(model, RemoveDead(), Layout())).count("Transpose") <= before
