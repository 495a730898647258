"""Broken and hostile files: an error that says what and where, never a traceback, a crash or a read outside."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from frontend.files import FLOAT, conv_model, text_model, write
from frontend.graphs import parse
from onnx import helper, numpy_helper

from edgeq.errors import EdgeqError, ModelError, UnsupportedError
from edgeq.frontend import load_model
from edgeq.frontend.support import check_supported


def refused(path: Path, kind: type[EdgeqError], *texts: str) -> None:
    with pytest.raises(kind) as caught:
        load_model(path)
    message = str(caught.value)
    assert str(path) in message
    assert all(text in message for text in texts), message


def test_missing_file(tmp_path: Path) -> None:
    refused(tmp_path / "none.onnx", ModelError, "No such file")


@pytest.mark.parametrize("content", [b"", b"hello, world", os.urandom(4096), b"\x00" * 100, b"{}", b"\x08\x08"])
def test_not_a_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    refused(path, ModelError)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.999])
def test_truncated(tmp_path: Path, share: float) -> None:
    content = conv_model().SerializeToString()
    path = tmp_path / "m.onnx"
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, ModelError)


def externalize(location: str, **entries: int) -> Callable[[onnx.ModelProto], None]:
    """Point the weight at a file."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            tensor.external_data.add(key=key, value=str(value))

    return change


@pytest.mark.parametrize(
    "location", ["../../etc/passwd", "/etc/passwd", "a/../../secret.bin", "link.bin", "dir/x.bin", ".", ""]
)
def test_external_data_outside_the_folder(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(1000))
    (tmp_path / "x.bin").write_bytes(bytes(1000))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "dir").symlink_to(tmp_path)
    refused(write(folder / "m.onnx", conv_model(), externalize(location)), ModelError, "outside", "'w'")


@pytest.mark.parametrize(
    "entries", [{"offset": 10}, {"offset": -1}, {"offset": 10**30}, {"length": 100}, {"offset": 0, "length": 10**15}]
)
def test_external_data_of_the_wrong_size(tmp_path: Path, entries: dict[str, int]) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(2 * 3 * 3 * 3 * 4))
    refused(write(tmp_path / "m.onnx", conv_model(), externalize("w.bin", **entries)), ModelError, "'w'")


def test_external_data_in_the_folder(tmp_path: Path) -> None:
    weight = np.arange(54, dtype=np.float32).reshape(2, 3, 3, 3)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/w.bin").write_bytes(b"1234" + weight.tobytes())
    model = load_model(write(tmp_path / "m.onnx", conv_model(), externalize("sub/w.bin", offset=4, length=216)))
    np.testing.assert_array_equal(model.graph.initializers["w"].const_value.numpy(), weight)


def declare_huge(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [10**6, 10**6, 1, 1]


def declare_negative(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [-2, -3, 3, 3]


def short_data(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data = b"1234"


def poison(value: float) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        array = numpy_helper.to_array(model.graph.initializer[0]).copy()
        array[1, 2, 0, 0] = value
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w"))

    return change


def drop_weight(model: onnx.ModelProto) -> None:
    del model.graph.initializer[:]


def close_a_cycle(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "y"


def define_twice(model: onnx.ModelProto) -> None:
    model.graph.node[1].output[0] = "c"
    model.graph.output[0].name = "c"


def store_twice(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def drop_outputs(model: onnx.ModelProto) -> None:
    del model.graph.output[:]


def unknown_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "nowhere"


def unsort(model: onnx.ModelProto) -> None:
    model.graph.node.append(model.graph.node[0])
    del model.graph.node[0]


def contradict_shapes(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5


def huge_input(model: onnx.ModelProto) -> None:
    for index in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[index].dim_value = 10**6


def set_opset(version: int) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = version

    return change


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (declare_huge, ["1000000000000 elements", "'w'"]),
        (declare_negative, ["negative", "'w'"]),
        (short_data, ["'w'"]),
        (poison(np.nan), ["NaN", "'w'"]),
        (poison(-np.inf), ["infinite", "'w'"]),
        (drop_weight, ["neither computed", "'conv'", "'w'"]),
        (close_a_cycle, ["cycle", "conv", "relu"]),
        (define_twice, ["defined 2 times", "'c'"]),
        (store_twice, ["defined 2 times", "'w'"]),
        (drop_outputs, ["no output"]),
        (unknown_output, ["'nowhere'"]),
        (unsort, ["sorted"]),
        (huge_input, ["elements"]),
        (set_opset(6), ["opset 6", "7"]),
        (set_opset(10**9), ["opset 1000000000"]),
    ],
)
def test_broken_model(tmp_path: Path, change: Callable[[onnx.ModelProto], None], texts: list[str]) -> None:
    refused(write(tmp_path / "m.onnx", conv_model(), change), ModelError, *texts)


def custom_domain(model: onnx.ModelProto) -> None:
    model.graph.node[1].domain = "com.example"
    model.opset_import.add(domain="com.example", version=1)


def sparse_weight(model: onnx.ModelProto) -> None:
    values = numpy_helper.from_array(np.ones(1, np.float32), "s")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "s_indices")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [3]))


def string_constant(model: onnx.ModelProto) -> None:
    tensor = helper.make_tensor("t", onnx.TensorProto.STRING, [1], [b"x"])
    model.graph.node.append(helper.make_node("Constant", [], ["t"], value=tensor, name="text"))


def string_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.STRING


def unsigned_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8


def pixels_as_integers(model: onnx.ModelProto) -> None:
    """An integer input that is no position in a table."""
    model.graph.node.insert(0, helper.make_node("Cast", ["pixels"], ["x"], to=FLOAT, name="cast"))
    model.graph.input[0].name = "pixels"
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT8


def sequence_input(model: onnx.ModelProto) -> None:
    sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, [1]))
    model.graph.input.append(helper.make_value_info("seq", sequence))


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (custom_domain, ["com.example.Relu", "'relu'"]),
        (sparse_weight, ["sparse"]),
        (string_constant, ["string"]),
        (string_input, ["'x' is STRING"]),
        (unsigned_input, ["'x' is UINT8"]),
        (pixels_as_integers, ["Cast", "'cast'"]),
        (sequence_input, ["'seq'"]),
        (contradict_shapes, ["5 channels", "'conv'"]),
    ],
)
def test_unsupported_content(tmp_path: Path, change: Callable[[onnx.ModelProto], None], texts: list[str]) -> None:
    refused(write(tmp_path / "m.onnx", conv_model(), change), UnsupportedError, *texts)


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ("g (float[1,3,8] x) => (float[1,3,8] y) { y = LogSoftmax(x) }", ["LogSoftmax", "Softmax"]),
        ("g (float[1,3,8] x) => (float[1,1,1] y) { y = ReduceMax(x) }", ["ReduceMax", "GlobalMaxPool"]),
        ("g (float[1,3,8] x) => (float[1,1,8] y) { y = ReduceMean(x, one) }", ["image axes", "[1]"]),
        ("g (float[1,2,8] x, float[8] s) => (float[1,2,8] y) { y = LayerNormalization(x, s) }", ["must be constant"]),
        ("g (float[1,3,4,4,4] x) => (float[1,3,1,1,1] y) { y = GlobalMaxPool(x) }", ["two image axes"]),
        ("g (float[1,3,4] x, int64[6] p) => (float[1,3,6] y) { y = Pad(x, p) }", ["'p' must be constant"]),
        ('g (float[1,3,4] x) => (float[1,3,6] y) { y = Pad<mode = "edge">(x, pads) }', ["constant padding"]),
        ("g (float[1,3,4] x, float lo) => (float[1,3,4] y) { y = Clip(x, lo) }", ["limits"]),
    ],
)
def test_unsupported_operator_is_named_with_an_alternative(body: str, texts: list[str]) -> None:
    constants = {"one": np.array([1], np.int64), "pads": np.array([0, 0, 1, 0, 0, 1], np.int64)}
    with pytest.raises(UnsupportedError) as caught:
        check_supported(parse(body, constants))
    assert all(text in str(caught.value) for text in [*texts, "'n0'", "try:"]), caught.value


def test_unsupported_operator_in_a_file(tmp_path: Path) -> None:
    body = "g (float[1,3,8] x) => (float[1,3,8] y) { [culprit] y = LogSoftmax(x) }"
    refused(write(tmp_path / "m.onnx", text_model(body)), UnsupportedError, "LogSoftmax", "'culprit'", "use Softmax")


def test_operator_that_onnx_does_not_know(tmp_path: Path) -> None:
    body = "g (float[1,3,8] x) => (float[1,3,8] y) { [culprit] y = Frobnicate(x) }"
    refused(write(tmp_path / "m.onnx", text_model(body)), UnsupportedError, "Frobnicate", "'culprit'", "try:")


def test_control_flow(tmp_path: Path) -> None:
    branch = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"])], "b", [], [helper.make_tensor_value_info("r", FLOAT, None)]
    )

    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer.append(numpy_helper.from_array(np.array(True), "cond"))
        model.graph.node[1].CopyFrom(
            helper.make_node("If", ["cond"], ["y"], name="branch", then_branch=branch, else_branch=branch)
        )

    refused(write(tmp_path / "m.onnx", conv_model(), change), UnsupportedError, "If", "'branch'")


def test_tensor_that_grows_at_run_time(tmp_path: Path) -> None:
    body = """g (float[1] x) => (float[n] y) <int64[1] n = {1000000000000}> {
        big = ConstantOfShape(n)  y = Add(big, x)
    }"""
    refused(write(tmp_path / "m.onnx", text_model(body)), ModelError, "1000000000000 elements")


def test_negative_variance(tmp_path: Path) -> None:
    body = """g (float[1,1,2,2] x) => (float[1,1,2,2] y) <float[1] one = {1}, float[1] v = {-4}> {
        y = BatchNormalization(x, one, one, one, v)
    }"""
    refused(write(tmp_path / "m.onnx", text_model(body)), ModelError, "NaN")


def test_files_cannot_speak_in_edgeqs_name(tmp_path: Path) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.metadata_props.add(key="edgeq.range", value="evil")
        model.metadata_props.add(key="author", value="someone")
        model.graph.node[0].metadata_props.add(key="edgeq.x", value="evil")

    model = load_model(write(tmp_path / "m.onnx", conv_model(21), change))
    assert dict(model.metadata_props) == {"author": "someone"}
    assert not any(node.metadata_props for node in model.graph)
