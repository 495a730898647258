"""What the tests of tuning share: small networks, prepared for trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest

from edgeq.config import Config
from edgeq.search.space import Space
from edgeq.tune.setup import Setup, prepare
from edgeq.tune.workbench import Workbench

TINY = """<ir_version: 10, opset_import: ["" : 21]>
tiny (float[1,16] x) => (float[1,4] y) { h = Gemm(x, w0, b0)  r = Relu(h)  l = Gemm(r, w1, b1)  y = Softmax(l) }"""


class Example(NamedTuple):
    """A model and its data."""

    model: Path
    calib: Path
    eval: Path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Two small layers, so that trials cost little; 200 evaluation samples, labelled by the float model."""
    rng = np.random.default_rng(0)
    proto = onnx.parser.parse_model(TINY)
    shapes = {"w0": (16, 24), "b0": (24,), "w1": (24, 4), "b1": (4,)}
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in arrays.items())
    for number, node in enumerate(proto.graph.node):
        node.name = f"node{number}"
    x = rng.standard_normal((264, 1, 16)).astype(np.float32)
    hidden = np.maximum(x[64:, 0] @ arrays["w0"] + arrays["b0"], 0)
    folder = tmp_path_factory.mktemp("tiny")
    onnx.save(proto, folder / "tiny.onnx")
    np.savez(folder / "calib.npz", x=x[:64])
    np.savez(folder / "eval.npz", x=x[64:], labels=(hidden @ arrays["w1"] + arrays["b1"]).argmax(axis=1))
    return Example(folder / "tiny.onnx", folder / "calib.npz", folder / "eval.npz")


@pytest.fixture(scope="session")
def setup(digits: Any) -> Setup:
    return prepare(digits.model, Config(calib=digits.calib, eval=digits.eval))


@pytest.fixture(scope="session")
def bench(setup: Setup) -> Workbench:
    return Workbench(setup)


@pytest.fixture(scope="session")
def space(bench: Workbench) -> Space:
    return bench.space()
