"""One small network on every target: equal bytes on the interpreter, the host and whatever runs its programs here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from tooling import ALL_BOARDS, need_board

import edgeq
from edgeq.run.device import devices_of
from edgeq.targets.load import all_targets, load_target

BOARDS = dict(sorted(ALL_BOARDS, reverse=True)) | {target.name: "" for target in all_targets() if target.linux}
"""Every target whose programs can run, with the least usual of its float ABIs."""

NETWORK = """<ir_version: 10, opset_import: ["" : 21]> g (float[1,3,9,9] x) => (float[1,5] y) {
    a = Conv<pads = [1, 1, 1, 1]>(x, w0, b0)  b = Relu(a)
    c = Conv<group = 8, strides = [2, 2], pads = [1, 1, 1, 1]>(b, w1, b1)
    d = Conv(c, w2, b2)  e = Relu(d)  f = GlobalAveragePool(e)  g = Flatten(f)  y = Gemm<transB = 1>(g, w3, b3)
}"""
SHAPES = ((8, 3, 3, 3), (8, 1, 3, 3), (12, 8, 1, 1), (5, 12))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quantized network of the operators that families have kernels for."""
    rng = np.random.default_rng(0)
    arrays = {f"w{i}": rng.normal(0, 0.5, shape) for i, shape in enumerate(SHAPES)}
    arrays |= {f"b{i}": rng.normal(0, 0.1, shape[0]) for i, shape in enumerate(SHAPES)}
    model, folder = onnx.parser.parse_model(NETWORK), tmp_path_factory.mktemp("network")
    tensors = (onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items())
    model.graph.initializer.extend(tensors)
    onnx.save(model, folder / "float.onnx")
    samples = rng.normal(size=(16, 3, 9, 9)).astype(np.float32)
    edgeq.quantize(folder / "float.onnx", calibration={"x": samples}, out=folder / "small.onnx", preset="fast")
    return folder / "small.onnx"


@pytest.mark.parametrize("target", BOARDS)
def test_a_network_gives_equal_bytes_on_every_board(target: str, network: Path, tmp_path: Path) -> None:
    devices = devices_of(load_target(target))
    if devices:
        need_board(load_target(target))
    out = edgeq.compile(network, target, float_abi=BOARDS[target] or None, out=tmp_path / "small").out
    verdict = edgeq.verify(out, 2)
    assert verdict["equal"], verdict
    assert verdict["runners"] == ["interpreter", "host", *devices[:1]]
