"""The command line on broken, hostile and unlucky input: exit 1, a message that says where, and no output folder."""

from __future__ import annotations

import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import Example
from frontend.files import conv_model, text_model, write
from onnx import TensorProto, numpy_helper
from package.toolchain import STRICT, run

EDGEQ = [sys.executable, "-m", "edgeq"]
SAMPLES = {"x": np.random.default_rng(0).standard_normal((8, 3, 8, 8)).astype(np.float32)}


def edgeq(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*EDGEQ, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)  # type: ignore


def refused(model: Path, calib: Path | None, *texts: str) -> None:
    """The compilation fails as it should, and leaves the folder as it was."""
    before = sorted(model.parent.iterdir())
    done = edgeq("compile", model, *(["--calib", calib] if calib else []), "-o", model.parent / "out")
    message = " ".join(done.stderr.split())
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert all(text in message for text in texts), message
    assert sorted(model.parent.iterdir()) == before


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def enormous(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.ClearField("dims")
    tensor.dims.extend([10**6, 10**6])


def cyclic(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "y"


def without_weights(model: onnx.ModelProto) -> None:
    del model.graph.initializer[:]


def not_a_number(model: onnx.ModelProto) -> None:
    weight = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weight[0, 0, 0, 0] = np.nan
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "w"))


def unsupported(model: onnx.ModelProto) -> None:
    model.graph.node[1].op_type = "Cos"


MODELS: dict[str, tuple[Callable[[onnx.ModelProto], None], tuple[str, ...]]] = {
    "external": (external, ("outside", "'w'")),
    "enormous": (enormous, ("'w'",)),
    "cyclic": (cyclic, ("m.onnx",)),
    "without_weights": (without_weights, ("'w'",)),
    "not_a_number": (not_a_number, ("NaN", "'w'")),
    "unsupported": (unsupported, ("operator Cos", "'relu'")),
}


@pytest.mark.parametrize("name", MODELS)
def test_broken_models(tmp_path: Path, name: str) -> None:
    change, texts = MODELS[name]
    refused(write(tmp_path / "m.onnx", conv_model(), change), None, "m.onnx", *texts)


@pytest.mark.parametrize("content", [b"no protobuf at all", conv_model().SerializeToString()[:-60]])
def test_files_that_are_no_models(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    refused(tmp_path / "m.onnx", None, "m.onnx")


DATA: dict[str, tuple[dict[str, np.ndarray], tuple[str, ...]]] = {
    "wrong_name": ({"y": SAMPLES["x"]}, ("'x'",)),
    "wrong_shape": ({"x": SAMPLES["x"][:, :2]}, ("'x'", "(8, 2, 8, 8)", "(samples, 3, 8, 8)")),
    "wrong_type": ({"x": SAMPLES["x"].astype(str)}, ("'x'",)),
    "objects": ({"x": np.array([{}], object)}, ("c.npz",)),
    "not_a_number": ({"x": np.where(np.arange(8) == 3, np.nan, SAMPLES["x"]).astype(np.float32)}, ("'x'", "NaN")),
    "no_samples": ({"x": SAMPLES["x"][:0]}, ("'x'",)),
}


@pytest.mark.parametrize("name", DATA)
def test_broken_calibration_data(tmp_path: Path, name: str) -> None:
    arrays, texts = DATA[name]
    np.savez(tmp_path / "c.npz", **arrays)  # type: ignore[arg-type]
    refused(write(tmp_path / "m.onnx", conv_model()), tmp_path / "c.npz", "c.npz", *texts)


@pytest.fixture(scope="module")
def package(digits: Example, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound package, in a folder of its own."""
    out = tmp_path_factory.mktemp("packages") / "digits"
    done = edgeq(*compilation(digits, out))
    assert done.returncode == 0, done.stderr
    return out


def compilation(example: Example, out: Path) -> tuple[object, ...]:
    return "compile", example.model, "--calib", example.calib, "-o", out


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_full_disk_leaves_the_old_package(digits: Example, package: Path) -> None:
    """A limit on the size of files stands for the disk: the largest file of the package does not fit."""
    before = content(package)
    largest = sorted(map(len, before.values()))[-2]

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    done = edgeq(*compilation(digits, package), preexec_fn=limit)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "cannot write the output" in done.stderr and package.name in done.stderr
    assert content(package) == before
    assert list(package.parent.iterdir()) == [package]


def test_a_compile_killed_while_it_writes_leaves_a_whole_package(digits: Example, package: Path) -> None:
    """The new package would have the same bytes, so nothing may differ, whenever it is killed."""
    before = content(package)
    command = [*EDGEQ, *map(str, compilation(digits, package))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(package.parent.iterdir())) == 1:
        time.sleep(0.0005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert content(package) == before


@pytest.mark.parametrize("emit", ["lib", "c"])
def test_hostile_names_reach_no_code_and_packages_are_reproducible(tmp_path: Path, emit: str) -> None:
    hostile = ['"; system("x")', "int", "*/ #error", "a\\\\\\nb"]
    model = text_model(
        "g (float[N,3,8,8] x) => (float[N,2,6,6] y) { c = Conv(x, w) d = Relu(c) e = Tanh(d) y = Sigmoid(e) }"
    )
    model.graph.initializer.append(numpy_helper.from_array(np.ones((2, 3, 3, 3), np.float32) / 9, "w"))
    for node, name in zip(model.graph.node, hostile, strict=True):
        node.name = name
    model.graph.input[0].name = model.graph.node[0].input[0] = "return"
    model.graph.output[0].name = model.graph.node[3].output[0] = '"; system("y")'
    path = write(tmp_path / "while.onnx", model)
    np.savez(tmp_path / "c.npz", **{"return": SAMPLES["x"]})  # type: ignore[arg-type]
    for out in ("one", "two"):
        done = edgeq("compile", path, "--calib", tmp_path / "c.npz", "--emit", emit, "-o", tmp_path / out)
        assert done.returncode == 0, done.stderr
    files = content(tmp_path / "one")
    assert files == content(tmp_path / "two")
    sources = {name: text for name, text in files.items() if name.endswith((".c", ".h"))}
    for name, text in sources.items():
        code = re.sub(rb"/\*.*?\*/", b"", text, flags=re.DOTALL)
        assert b"system(" not in code and b"system(" not in files["CMakeLists.txt"], name
        if emit == "c" and name.endswith(".c"):
            run("gcc", *STRICT, "-Iinclude", "-c", name, "-o", tmp_path / "x.o", cwd=tmp_path / "one")
