"""Windows become explicit, pads fuse, means become pools."""

from __future__ import annotations

import numpy as np
import pytest
from frontend.graphs import apply, ops, parse
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgeq.errors import UnsupportedError
from edgeq.passes.fuse_pad import FusePad
from edgeq.passes.layout import Layout
from edgeq.passes.lower_reduce_mean import LowerReduceMean
from edgeq.passes.normalize_conv import NormalizeConv
from edgeq.passes.remove_dead import RemoveDead
from edgeq.passes.remove_identity import RemoveIdentity
from edgeq.pipeline import run_passes

RNG = np.random.default_rng(2)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    pad=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]),
    op=st.sampled_from(["Conv", "MaxPool", "AveragePool"]),
)
def test_auto_pad_becomes_explicit(
    size: tuple[int, int], kernel: tuple[int, int], stride: int, pad: str, op: str
) -> None:
    assume(op == "Conv" or min(kernel) >= stride)  # onnxruntime computes negative pads for pools that skip elements
    text = f'auto_pad = "{pad}", strides = [{stride}, {stride}]'
    text += "" if op == "Conv" else f", kernel_shape = [{kernel[0]}, {kernel[1]}]"
    operands = "x, w" if op == "Conv" else "x"
    model = parse(
        f"g (float[1,2,{size[0]},{size[1]}] x) => (float[1,2,h,v] y) {{ y = {op}<{text}>({operands}) }}",
        {"w": normal(2, 2, *kernel)},
    )
    node = apply(model, RemoveDead(), NormalizeConv()).graph[0]
    assert "auto_pad" not in node.attributes
    assert node.attributes["kernel_shape"].as_ints() == kernel
    assert len(node.attributes["pads"].as_ints()) == 4


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("size", [6, 7, 8])
def test_ceil_mode_becomes_pads(op: str, size: int) -> None:
    model = parse(
        f"g (float[1,2,{size},7] x) => (float[1,2,h,v] y) "
        f"{{ y = {op}<kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1>(x) }}"
    )
    assert "ceil_mode" not in apply(model, NormalizeConv()).graph[0].attributes


@pytest.mark.parametrize("window", ["MaxPool<", "AveragePool<", "AveragePool<count_include_pad = 1, "])
def test_a_window_that_begins_in_the_padding_is_refused(window: str) -> None:
    """Shape inference at opset 21 counts four rows, onnxruntime (as opset 22) computes three."""
    rest = "kernel_shape = [2, 1], pads = [0, 0, 1, 0], strides = [2, 2], ceil_mode = 1>(x)"
    model = parse(f"g (float[1,2,6,5] x) => (float[1,2,h,v] y) {{ y = {window}{rest} }}")
    with pytest.raises(UnsupportedError, match="begins in the padding"):
        run_passes(model, [NormalizeConv()])


def test_ceil_mode_stays_where_the_padding_counts() -> None:
    model = parse(
        "g (float[1,2,6,6] x) => (float[1,2,h,v] y) "
        "{ y = AveragePool<kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1, count_include_pad = 1>(x) }"
    )
    assert apply(model, NormalizeConv()).graph[0].attributes["ceil_mode"].as_int() == 1


def test_one_dimension() -> None:
    model = parse(
        'g (float[1,2,9] x) => (float[1,2,5] y) { y = Conv<auto_pad = "SAME_UPPER", strides = [2]>(x, w) }',
        {"w": normal(2, 2, 3)},
    )
    assert apply(model, NormalizeConv()).graph[0].attributes["pads"].as_ints() == (1, 1)


def test_zero_pad_fuses_into_conv() -> None:
    model = parse(
        """g (float[1,2,5,5] x) => (float[1,2,4,6] y) <int64[8] p = {0, 0, 0, 1, 0, 0, 1, 2}> {
            q = Pad(x, p)  y = Conv<pads = [0, 0, 0, 0]>(q, w)
        }""",
        {"w": normal(2, 2, 3, 3)},
    )
    fused = apply(model, NormalizeConv(), FusePad(), RemoveDead())
    assert ops(fused) == ["Conv"]
    assert fused.graph[0].attributes["pads"].as_ints() == (0, 1, 1, 2)


def test_zero_pad_with_axes_fuses_into_average_pool_that_counts_it() -> None:
    model = parse(
        """g (float[1,2,5,5] x) => (float[1,2,h,v] y)
        <int64[4] p = {1, 1, 1, 1}, float zero = {0}, int64[2] a = {2, 3}> {
            q = Pad(x, p, zero, a)  y = AveragePool<kernel_shape = [3, 3], strides = [2, 2]>(q)
        }"""
    )
    assert ops(apply(model, NormalizeConv(), FusePad(), RemoveDead())) == ["AveragePool"]


@pytest.mark.parametrize(
    ("pads", "value", "layer"),
    [
        ("0, 0, 1, 1, 0, 0, 1, 1", 0, "MaxPool<kernel_shape = [3, 3]>(q)"),
        ("0, 0, 1, 1, 0, 0, 1, 1", 1, "AveragePool<kernel_shape = [3, 3]>(q)"),
        ("0, 0, 1, 1, 0, 0, 1, 1", 0, "AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(q)"),
        ("0, 1, 1, 1, 0, 0, 1, 1", 0, "AveragePool<kernel_shape = [3, 3]>(q)"),
        ("0, 0, -1, 1, 0, 0, 1, 1", 0, "AveragePool<kernel_shape = [3, 3]>(q)"),
    ],
)
def test_pads_that_would_change_the_result_stay(pads: str, value: int, layer: str) -> None:
    model = parse(
        f"""g (float[1,2,5,5] x) => (float[1,c,h,v] y) <int64[8] p = {{{pads}}}, float k = {{{value}}}> {{
            q = Pad(x, p, k)  y = {layer}
        }}"""
    )
    assert ops(apply(model, NormalizeConv(), FusePad()))[0] == "Pad"


@pytest.mark.parametrize(
    ("shape", "axes", "keepdims", "expected"),
    [
        ((1, 3, 4, 5), (2, 3), 1, ["GlobalAveragePool"]),
        ((1, 3, 4, 5), (-1, -2), 0, ["GlobalAveragePool", "Reshape"]),
        ((1, 3, 4, 5), (2,), 1, ["AveragePool"]),
        ((1, 3, 7), (2,), 0, ["GlobalAveragePool", "Reshape"]),
        ((1, 4, 5, 3), (1, 2), 0, ["Transpose", "GlobalAveragePool", "Reshape"]),
        ((1, 4, 5, 3), (1, 2), 1, ["Transpose", "GlobalAveragePool", "Reshape"]),
        ((1, 7, 3), (1,), 0, ["Transpose", "GlobalAveragePool", "Reshape"]),
        ((1, 3, 4, 5), (1,), 1, ["ReduceMean"]),
        ((1, 3, 4, 5), (1, 2, 3), 1, ["ReduceMean"]),
        ((2, 3, 4, 5), (0, 2, 3), 1, ["ReduceMean"]),
    ],
)
def test_means_become_pools(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: int, expected: list[str]) -> None:
    rank = len(shape) if keepdims else len(shape) - len(axes)
    model = parse(
        f"""g (float[{",".join(map(str, shape))}] x) => (float[{",".join("abcd"[:rank])}] y) {{
            y = ReduceMean<keepdims = {keepdims}>(x, axes)
        }}""",
        {"axes": np.array(axes, np.int64)},
    )
    assert ops(apply(model, LowerReduceMean(), RemoveDead())) == expected


def test_channels_last_mean_behind_a_transpose_loses_both() -> None:
    model = parse(
        """g (float[1,3,4,5] x) => (float[1,3] y) <int64[2] axes = {1, 2}> {
            r = Relu(x)  t = Transpose<perm = [0, 2, 3, 1]>(r)  y = ReduceMean<keepdims = 0>(t, axes)
        }"""
    )
    assert ops(apply(model, LowerReduceMean(), Layout(), RemoveIdentity())) == ["Relu", "GlobalAveragePool", "Reshape"]
