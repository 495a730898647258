"""Layers as matrix products, against onnxruntime."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from edgeq.reconstruct.rows import Window, patches, sample_positions

CASES = [
    ((3, 6, 9, 8), (4, 6, 3, 3), 1, Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))),
    ((3, 6, 9, 8), (6, 1, 3, 2), 6, Window((3, 2), (2, 1), (1, 2), (0, 1, 2, 0))),
    ((2, 4, 7, 7), (6, 2, 1, 1), 2, Window((1, 1), (2, 2), (1, 1), (0, 0, 0, 0))),
    ((2, 5, 20), (3, 5, 4), 1, Window((4,), (3,), (2,), (1, 5))),
]


@pytest.mark.parametrize(("x_shape", "w_shape", "groups", "window"), CASES, ids=["3x3", "depthwise", "grouped", "1-d"])
def test_patches_times_weights_are_the_convolution(
    x_shape: tuple[int, ...], w_shape: tuple[int, ...], groups: int, window: Window
) -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in (x_shape, w_shape))
    expected = convolution(x, w, groups, window)
    assert expected.shape[2:] == window.positions(x_shape[2:])
    flat = expected.reshape(*expected.shape[:2], -1)
    chosen = sample_positions(len(x), flat.shape[2], 5, rng)
    rows = patches(x, window, groups, chosen)
    y = rows @ w.reshape(groups, len(w) // groups, -1).transpose(0, 2, 1)
    seen = np.take_along_axis(flat, chosen[:, None, :], axis=2).transpose(0, 2, 1).reshape(-1, len(w))
    np.testing.assert_allclose(y.transpose(1, 0, 2).reshape(-1, len(w)), seen, rtol=1e-4, atol=1e-5)


def convolution(x: np.ndarray, w: np.ndarray, groups: int, window: Window) -> np.ndarray:
    node = onnx.helper.make_node(
        "Conv", ["x", "w"], ["y"], group=groups, strides=window.strides, dilations=window.dilations, pads=window.pads
    )
    graph = onnx.helper.make_graph(
        [node],
        "conv",
        [onnx.helper.make_tensor_value_info(name, 1, array.shape) for name, array in (("x", x), ("w", w))],
        [onnx.helper.make_tensor_value_info("y", 1, None)],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)
    return ort.InferenceSession(model.SerializeToString()).run(None, {"x": x, "w": w})[0]


def test_positions_are_distinct_within_a_sample() -> None:
    chosen = sample_positions(4, 30, 10, np.random.default_rng(0))
    assert chosen.shape == (4, 10)
    assert all(len(set(row.tolist())) == 10 and row.max() < 30 for row in chosen)
    assert (sample_positions(2, 6, 10, np.random.default_rng(0)) == np.arange(6)).all()
