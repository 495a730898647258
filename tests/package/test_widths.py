"""Networks of every width of activations run on boards and give the interpreter's bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from package.packages import check_on_board, package_of
from package.toolchain import run
from program.pipeline import compile_graph

from edgeq.lower.lower import lower
from edgeq.package.source import PackageSource
from edgeq.program.interpreter import interpret
from edgeq.report.stored import stored_wide
from edgeq.targets.load import load_target

GRAPH = """<ir_version: 10, opset_import: ["" : 21]>
net (float[1,3,8,8] x) => (float[1,5] y) {
    a = Conv<pads=[1,1,1,1]>(x, w0, b0)  r = Relu(a)
    d = Conv<pads=[1,1,1,1], group=8>(r, w1)  s = Sigmoid(d)
    m = Mul(r, s)  n = Add(m, r)
    l = LeakyRelu<alpha=0.1>(n)  p = MaxPool<kernel_shape=[2,2], strides=[2,2]>(l)
    q = Conv(p, w3)  g = GlobalAveragePool(q)  t = Tanh(g)  c = Concat<axis=1>(t, g)
    f = Flatten(c)  h = Gemm<transB=1>(f, w2, b2)  y = Softmax(h)
}"""


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    rng = np.random.default_rng(5)
    model = onnx.parser.parse_model(GRAPH)
    shapes = {"w0": (8, 3, 3, 3), "b0": (8,), "w1": (8, 1, 3, 3), "w2": (5, 16), "b2": (5,), "w3": (8, 8, 1, 1)}
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in arrays.items())
    for number, node in enumerate(model.graph.node):
        node.name = f"node{number}"
    return onnx.shape_inference.infer_shapes(model)


@pytest.fixture(params=[(4, 4), (8, 16)], ids="W{0[0]}A{0[1]}".format)
def net(request: pytest.FixtureRequest, graph: onnx.ModelProto, source: PackageSource) -> PackageSource:
    """The toy's source with the network's program and golden vectors."""
    weight_bits, activation_bits = request.param
    samples = {"x": np.random.default_rng(6).standard_normal((4, 1, 3, 8, 8)).astype(np.float32)}
    compiled = compile_graph(graph, samples, "toy", weight_bits=weight_bits, activation_bits=activation_bits)
    program = compiled.built.program
    assert {buffer.bits for buffer in program.buffers} == {8, activation_bits}
    outputs = interpret(program, compiled.integers)
    lowered = replace(source.lowered, program=program)
    return replace(source, lowered=lowered, golden_inputs=compiled.integers, golden_outputs=outputs)


@pytest.mark.parametrize(("target_name", "emit"), [("cortex-m0", "lib"), ("rv32imc", "c"), ("cortex-m4", "lib")])
def test_self_test_on_board(net: PackageSource, tmp_path: Path, target_name: str, emit: str) -> None:
    float_abi = next(iter(load_target(target_name).float_abis), "")
    check_on_board(package_of(net, tmp_path, target_name, float_abi, emit), target_name, float_abi)


def test_sanitized_c(net: PackageSource, tmp_path: Path) -> None:
    package = package_of(net, tmp_path, "cortex-m0", "", "c")
    flags = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-Iinclude")
    defines = ("-DEDGEQ_SELFTEST_MAIN", "-DEDGEQ_SELFTEST_PRINT")
    sources = [*sorted((package / "src").glob("*.c")), "selftest.c"]
    run("gcc", *flags, *defines, *sources, "-o", "selftest", cwd=package)
    assert run(package / "selftest").startswith("toy: 4 samples right")


def test_a_kernel_without_a_narrow_form_of_its_weights_says_so(graph: onnx.ModelProto) -> None:
    """On DSP kernels, those of few channels are bytes; portable kernels pack any shape, vector kernels none."""
    samples = {"x": np.random.default_rng(6).standard_normal((4, 1, 3, 8, 8)).astype(np.float32)}
    program = compile_graph(graph, samples, "toy", weight_bits=4).built.program
    layers = {op.name for op in program.ops if hasattr(op, "weight_bits")}

    def wide(target: str) -> set[str]:
        warnings = stored_wide(lower(program, load_target(target)))
        assert all(f"on {target}, narrow weights take 8 bits" in text for text in warnings)
        return {name for name in layers if any(f"{name}," in text for text in warnings)}

    assert wide("rv32imc") == set()
    assert wide("cortex-m4") == {"node0"}
    assert wide("x86-64-avx2") == layers
