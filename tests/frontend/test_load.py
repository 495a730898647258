"""What loading does for sound models: shapes, opsets, quantizers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from frontend.files import FLOAT, conv_model, text_model, write
from frontend.graphs import difference, ops, parse, random_feeds, run
from onnx import helper

from edgeq.errors import ModelError, UsageError
from edgeq.frontend import load_model
from edgeq.frontend.sandbox import WorkerError, run_worker
from edgeq.frontend.support import unsupported_reason
from edgeq.frontend.survey import survey
from edgeq.passes.resize import repeats


def shape(value: object) -> tuple[int, ...]:
    return value.shape.numpy()  # type: ignore[attr-defined]


@pytest.mark.parametrize("opset", [7, 21, onnx.defs.onnx_opset_version()])
def test_every_opset_becomes_21(tmp_path: Path, opset: int) -> None:
    model = load_model(write(tmp_path / "m.onnx", conv_model(opset)))
    assert (model.graph.opset_imports, model.ir_version) == ({"": 21}, 10)
    assert shape(model.graph.outputs[0]) == (1, 2, 6, 6)


OLD = {
    "Upsample": 'Upsample<mode = "nearest", scales = [1.0, 1.0, 2.0, 2.0]>(x)',
    "Clip": "Clip<min = 0.0, max = 6.0>(x)",
    "Dropout": "Dropout<ratio = 0.5>(x)",
    "Pad": "Pad<pads = [0, 0, 1, 1, 0, 0, 1, 1]>(x)",
    "Slice": "Slice<axes = [2], starts = [1], ends = [3]>(x)",
    "Split": "Split<axis = 1, split = [1, 1]>(x)",
    "Squeeze": "Squeeze<axes = [0]>(x)",
    "ReduceMean": "ReduceMean<axes = [2, 3]>(x)",
    "Softmax": "Softmax<axis = 1>(x)",
}


def test_old_forms_of_operators(tmp_path: Path) -> None:
    """Attributes that became inputs, and the Softmax that flattened."""
    body = "  ".join(f"y_{name}{', unused' * (name == 'Split')} = {call}" for name, call in OLD.items())
    signature = ", ".join(f"float y_{name}" for name in OLD)
    proto = text_model(f"g (float[1,2,4,4] z) => ({signature}) {{ x = Neg(z)  {body} }}", 7, ir_version=8)
    for value in proto.graph.output:
        value.type.tensor_type.ClearField("shape")
    model = load_model(write(tmp_path / "m.onnx", proto), check=False)
    assert {value.name for value in model.graph.outputs} == {f"y_{name}" for name in OLD}
    assert not [node for node in survey(model) if node.unsupported_reason]
    assert set(ops(model)) >= {"Resize", "Clip", "Pad", "Slice", "Split", "Squeeze", "GlobalAveragePool", "Softmax"}
    feeds = {"z": np.random.default_rng(0).standard_normal((1, 2, 4, 4)).astype(np.float32)}
    inferred = onnx.shape_inference.infer_shapes(proto)
    assert difference(run(inferred, feeds), run(model, feeds)) < 1e-5


def sized(*dims: int | str) -> onnx.ModelProto:
    """Relu of an input with these dimensions."""
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"], name="relu")],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, dims)],
        [helper.make_tensor_value_info("y", FLOAT, dims)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def test_dynamic_dimension_needs_a_shape(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", sized("N", 3, "height", 8))
    with pytest.raises(ModelError, match=r"dimension 2 of input 'x'[\s\S]*--shape x=1,3,height,8"):
        load_model(path)
    model = load_model(path, shapes={"x": (1, 3, 16, 8)})
    assert shape(model.graph.outputs[0]) == (1, 3, 16, 8)


def test_symbol_is_bound_everywhere(tmp_path: Path) -> None:
    proto = sized("N", "T")
    proto.graph.input.append(helper.make_tensor_value_info("z", FLOAT, ["N", "T"]))
    proto.graph.node.append(helper.make_node("Add", ["y", "z"], ["s"], name="add"))
    proto.graph.output.append(helper.make_tensor_value_info("s", FLOAT, ["N", "T"]))
    model = load_model(write(tmp_path / "m.onnx", proto), shapes={"x": (1, 5)})
    assert shape(model.graph.inputs[1]) == (1, 5)


@pytest.mark.parametrize("shapes", [{"w": (1,)}, {"x": (1, 4, 8, 8)}, {"x": (1, 3, 8)}, {"x": (0, 3, 8, 8)}])
def test_shapes_that_do_not_fit(tmp_path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(UsageError):
        load_model(write(tmp_path / "m.onnx", conv_model()), shapes=shapes)


def test_input_without_shape(tmp_path: Path) -> None:
    proto = sized(1)
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(ModelError, match="--shape x="):
        load_model(write(tmp_path / "m.onnx", proto))
    assert shape(load_model(tmp_path / "m.onnx", shapes={"x": (3,)}).graph.inputs[0]) == (3,)


def test_computed_shapes_are_folded(tmp_path: Path) -> None:
    body = """g (float[N,3,4] x) => (float[N,12] y) {
        s = Shape(x)  zero = Constant<value_ints = [0]>()  batch = Gather<axis = 0>(s, zero)
        rest = Constant<value_ints = [-1]>()  shape = Concat<axis = 0>(batch, rest)  r = Reshape(x, shape)  y = Relu(r)
    }"""
    assert ops(load_model(write(tmp_path / "m.onnx", text_model(body)))) == ["Reshape", "Relu"]


def padded(proto: onnx.ModelProto, size: int) -> onnx.ModelProto:
    """The model with as many bytes more, as weights that nothing uses."""
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(size, np.int8), "unused"))
    return proto


@pytest.mark.parametrize(
    ("limits", "reason"), [({"seconds": 0.01}, "took more"), ({"max_bytes": 2**26}, "Memory|memory|crashed")]
)
def test_worker_has_limits(limits: dict[str, float], reason: str) -> None:
    with pytest.raises(WorkerError, match=reason):
        run_worker(padded(conv_model(), 2**25), **limits)  # type: ignore[arg-type]


QDQ = """g (float[1,3,6,6] x) => (float[1,2,4,4] y)
<float s = {0.05}, int8 z = {3}, float[2] ws = {0.01, 0.02}, int8[2] wz = {0, 0}> {
    q = QuantizeLinear(x, s, z)  d = DequantizeLinear(q, s, z)
    wq = QuantizeLinear<axis = 0>(w, ws, wz)  wd = DequantizeLinear<axis = 0>(wq, ws, wz)
    c = Conv(d, wd)  r = Relu(c)  p = QuantizeLinear(r, s, z)  e = DequantizeLinear(p, s, z)  y = Identity(e)
}"""


@pytest.mark.parametrize("stored", ["float", "int8"])
def test_quantized_models_pass_unharmed(tmp_path: Path, stored: str) -> None:
    rng = np.random.default_rng(4)
    body = QDQ
    weight = rng.standard_normal((2, 3, 3, 3)).astype(np.float32)
    if stored == "int8":
        body = body.replace("wq = QuantizeLinear<axis = 0>(w, ws, wz)", "").replace("(wq,", "(w,")
        weight = rng.integers(-127, 128, weight.shape).astype(np.int8)
    proto = text_model(body)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(weight, "w"))
    path = write(tmp_path / "m.onnx", proto)
    model = load_model(path)
    assert sorted(ops(model)) == sorted(node.op_type for node in proto.graph.node if node.op_type != "Identity")
    feeds = {"x": rng.standard_normal((1, 3, 6, 6)).astype(np.float32)}
    assert difference(run(str(path), feeds), run(model, feeds)) == 0


def test_survey_shows_what_is_unsupported(tmp_path: Path) -> None:
    body = """g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w = {1, 2, 3, 4}> {
        [conv] c = Conv(x, w)  [bad] y = Selu(c)
    }"""
    nodes = survey(load_model(write(tmp_path / "m.onnx", text_model(body)), check=False))
    assert [(n.name, n.op, n.shape, n.macs, n.params) for n in nodes] == [
        ("conv", "Conv", (1, 2, 4, 4), 64, 4),
        ("bad", "Selu", (1, 2, 4, 4), 0, 0),
    ]
    assert nodes[0].unsupported_reason is None
    assert nodes[1].unsupported_reason == "operator Selu is not supported"


@pytest.mark.parametrize(
    ("attributes", "scales", "works"),
    [
        ('mode = "nearest"', "1, 1, 2, 3", True),
        ('coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"', "1, 1, 3, 3", True),
        ('coordinate_transformation_mode = "asymmetric"', "1, 1, 3, 3", False),
        ('mode = "linear"', "1, 1, 2, 2", False),
        ('mode = "nearest"', "1, 1, 1.5, 2", False),
    ],
)
def test_resize_is_repetition_or_refused(attributes: str, scales: str, works: bool) -> None:
    model = parse(
        f"g (float[1,1,4,4] x) => (float[1,1,h,v] y) <float[4] s = {{{scales}}}> {{ y = Resize<{attributes}>(x, , s) }}"
    )
    node = model.graph[0]
    assert (unsupported_reason(node) is None) == works
    feeds = random_feeds(model)
    if works:
        repeated = np.kron(feeds["x"], np.ones(repeats(node), np.float32))
        np.testing.assert_array_equal(run(model, feeds)[0], repeated)
