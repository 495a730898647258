"""Constants, batch normalization and constant arithmetic are folded; the function stays."""

from __future__ import annotations

import numpy as np
import pytest
from frontend.graphs import apply, ops, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.passes.fold_affine import FoldAffine
from edgeq.passes.fold_batchnorm import META_KEY, FoldBatchnorm
from edgeq.passes.fold_constants import FoldConstants
from edgeq.passes.fuse_matmul_to_gemm import FuseMatmulToGemm
from edgeq.passes.normalize_conv import NormalizeConv
from edgeq.passes.remove_dead import RemoveDead

RNG = np.random.default_rng(1)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def statistics(channels: int) -> dict[str, np.ndarray]:
    return {
        "gamma": normal(channels),
        "beta": normal(channels),
        "mean": normal(channels),
        "var": np.abs(normal(channels)) + np.float32(0.1),
    }


def test_shape_arithmetic_becomes_a_constant() -> None:
    model = parse(
        """g (float[2,3,4] x) => (float[2,12] y) {
            s = Shape(x)  zero = Constant<value_ints = [0]>()  batch = Gather<axis = 0>(s, zero)
            rest = Constant<value_ints = [-1]>()  shape = Concat<axis = 0>(batch, rest)  y = Reshape(x, shape)
        }"""
    )
    assert ops(apply(model, FoldConstants())) == ["Reshape"]


def test_shapes_found_by_folding_are_folded_in_turn() -> None:
    model = parse(
        """g (float[2,3,4] x) => (int64[2] y) {
            two = Constant<value_ints = [2, -1]>()  s = Abs(two)
            flat = Reshape(x, two)  f = Shape(flat)  y = Add(f, s)
        }"""
    )
    folded = apply(model, FoldConstants())
    assert ops(folded) == ["Reshape", "Add"]


def test_quantizers_of_weights_stay() -> None:
    model = parse(
        """g (float[1,2] x) => (float[1,2] y) <float s = {0.1}, int8 z = {0}, float[2,2] w = {1, 2, 3, 4}> {
            q = QuantizeLinear(w, s, z)  d = DequantizeLinear(q, s, z)  y = MatMul(x, d)
        }"""
    )
    assert ops(apply(model, FoldConstants(), RemoveDead())) == ["QuantizeLinear", "DequantizeLinear", "MatMul"]


def test_large_results_stay_nodes() -> None:
    model = parse(
        """g (float[1] x) => (float[2000] y) {
            n = Constant<value_ints = [2000]>()  zeros = ConstantOfShape(n)  y = Add(zeros, x)
        }"""
    )
    assert ops(apply(model, FoldConstants(max_elements=1000))) == ["ConstantOfShape", "Add"]


@settings(max_examples=15, deadline=None)
@given(
    channels=st.sampled_from([2, 4]),
    groups=st.sampled_from([1, 2]),
    bias=st.booleans(),
    epsilon=st.sampled_from([1e-5, 1e-2]),
)
def test_batchnorm_folds_into_conv(channels: int, groups: int, bias: bool, epsilon: float) -> None:
    constants = {"w": normal(channels, 4 // groups, 3, 3), **({"b": normal(channels)} if bias else {})}
    stats = statistics(channels)
    model = parse(
        f"""g (float[1,4,6,5] x) => (float[1,{channels},4,3] y) {{
            c = Conv<group = {groups}>(x, w{", b" if bias else ""})
            n = BatchNormalization<epsilon = {epsilon}>(c, gamma, beta, mean, var)  y = Relu(n)
        }}""",
        {**constants, **stats},
    )
    folded = apply(model, FoldBatchnorm(), RemoveDead())
    assert ops(folded) == ["Conv", "Relu"]
    conv = folded.graph[0]
    assert (conv.name, conv.outputs[0].name) == ("n0", "n")
    np.testing.assert_array_equal(conv.outputs[0].meta[META_KEY].variance, stats["var"])


def test_batchnorm_folds_into_gemm() -> None:
    model = parse(
        """g (float[1,5] x) => (float[1,3] y) {
            m = MatMul(x, w)  a = Add(b, m)  y = BatchNormalization(a, gamma, beta, mean, var)
        }""",
        {"w": normal(5, 3), "b": normal(3), **statistics(3)},
    )
    assert ops(apply(model, FuseMatmulToGemm(), FoldBatchnorm())) == ["Gemm"]


@pytest.mark.parametrize(
    ("shape", "expected"), [((1, 3, 4, 4), ["Conv"]), ((1, 3, 8), ["Conv"]), ((1, 3), ["Mul", "Add"])]
)
def test_batchnorm_alone(shape: tuple[int, ...], expected: list[str]) -> None:
    dims = ",".join(map(str, shape))
    model = parse(
        f"g (float[{dims}] x) => (float[{dims}] y) {{ y = BatchNormalization(x, gamma, beta, mean, var) }}",
        statistics(3),
    )
    assert ops(apply(model, FoldBatchnorm())) == expected


def test_batchnorm_does_not_change_a_conv_that_others_read() -> None:
    model = parse(
        """g (float[1,3,4,4] x) => (float[1,3,4,4] y, float[1,3,4,4] c) {
            c = Conv(x, w)  y = BatchNormalization(c, gamma, beta, mean, var)
        }""",
        {"w": normal(3, 3, 1, 1), **statistics(3)},
    )
    assert ops(apply(model, FoldBatchnorm(), NormalizeConv())) == ["Conv", "Conv"]


def test_shared_weights_are_not_scaled_for_everybody() -> None:
    model = parse(
        """g (float[1,3,4,4] x) => (float[1,3,4,4] y, float[1,3,4,4] z) {
            c = Conv(x, w)  y = BatchNormalization(c, gamma, beta, mean, var)  z = Conv(x, w)
        }""",
        {"w": normal(3, 3, 1, 1), **statistics(3)},
    )
    assert ops(apply(model, FoldBatchnorm())) == ["Conv", "Conv"]


@pytest.mark.parametrize("layer", ["Conv(x, w)", "Conv(x, w, b)"])
@pytest.mark.parametrize("operation", ["Add(c, k)", "Sub(c, k)", "Sub(k, c)", "Mul(k, c)", "Div(c, k)"])
@pytest.mark.parametrize("shape", [(), (3, 1, 1), (1, 3, 1, 1)])
def test_constant_arithmetic_folds(layer: str, operation: str, shape: tuple[int, ...]) -> None:
    model = parse(
        f"g (float[1,3,4,4] x) => (float[1,3,4,4] y) {{ c = {layer}  y = {operation} }}",
        {"w": normal(3, 3, 1, 1), "b": normal(3), "k": np.abs(normal(*shape)) + np.float32(0.5)},
    )
    assert ops(apply(model, FoldAffine(), RemoveDead())) == ["Conv"]


@pytest.mark.parametrize("shape", [(4,), (4, 4), (3, 4, 4), (2, 3, 4, 4)])
def test_arithmetic_that_differs_within_a_channel_stays(shape: tuple[int, ...]) -> None:
    batch = shape[0] if len(shape) == 4 else 1
    model = parse(
        f"g (float[1,3,4,4] x) => (float[{batch},3,4,4] y) {{ c = Conv(x, w)  y = Add(c, k) }}",
        {"w": normal(3, 3, 1, 1), "k": normal(*shape)},
    )
    assert ops(apply(model, FoldAffine())) == ["Conv", "Add"]


def test_lone_division_becomes_multiplication() -> None:
    model = parse("g (float[1,3] x) => (float[1,3] y) { y = Div(x, k) }", {"k": np.array(127.5, np.float32)})
    assert ops(apply(model, FoldAffine())) == ["Mul"]


@pytest.mark.parametrize("text", ["MatMul(x, w)  y = Add(m, b)", "MatMul(x, w)  y = Add(b, m)"])
def test_matmul_and_add_become_gemm(text: str) -> None:
    model = parse(f"g (float[2,5] x) => (float[2,3] y) {{ m = {text} }}", {"w": normal(5, 3), "b": normal(1, 3)})
    fused = apply(model, FuseMatmulToGemm(), RemoveDead())
    assert ops(fused) == ["Gemm"]
    assert fused.graph[0].inputs[1].shape.numpy() == (3, 5)
    assert fused.graph[0].inputs[2].shape.numpy() == (3,)


@pytest.mark.parametrize(
    "attributes", ["transB = 0", "transB = 1", "alpha = 0.5, beta = 2.0", "transB = 1, beta = 0.5"]
)
@pytest.mark.parametrize("bias", [(3,), (1, 3), (1,), ()])
def test_gemm_gets_one_form(attributes: str, bias: tuple[int, ...]) -> None:
    weight = normal(3, 5) if "transB = 1" in attributes else normal(5, 3)
    model = parse(
        f"g (float[2,5] x) => (float[2,3] y) {{ y = Gemm<{attributes}>(x, w, b) }}", {"w": weight, "b": normal(*bias)}
    )
    fused = apply(model, FuseMatmulToGemm())
    assert dict(fused.graph[0].attributes) == {"transB": fused.graph[0].attributes["transB"]}
    assert fused.graph[0].inputs[2].shape.numpy() == (3,)


def test_matmul_of_higher_rank_becomes_gemm_of_its_rows() -> None:
    model = parse(
        "g (float[1,4,5] x) => (float[1,4,3] y) { m = MatMul(x, w)  y = Add(b, m) }",
        {"w": normal(5, 3), "b": normal(1, 1, 3)},
    )
    fused = apply(model, FuseMatmulToGemm(), RemoveDead())
    assert ops(fused) == ["Reshape", "Gemm", "Reshape"]
    assert fused.graph[1].inputs[2].shape.numpy() == (3,)


def test_matmul_of_two_activations_stays() -> None:
    model = parse("g (float[2,4,5] x, float[2,5,3] z) => (float[2,4,3] y) { y = MatMul(x, z) }")
    assert ops(apply(model, FuseMatmulToGemm())) == ["MatMul"]


def test_bias_per_row_stays() -> None:
    model = parse(
        "g (float[3,5] x) => (float[3,3] y) { m = MatMul(x, w)  y = Add(m, b) }", {"w": normal(5, 3), "b": normal(3, 1)}
    )
    assert ops(apply(model, FuseMatmulToGemm())) == ["Gemm", "Add"]
