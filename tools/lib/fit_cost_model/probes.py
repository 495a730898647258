"""Random networks that cover shapes of kernels: chains of layers, separable ones, and fans of unusual windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

LAYERS = 9
CHANNELS = (4, 6, 8, 12, 15, 16, 20, 24, 32, 40, 48, 64)
SIDES = (6, 9, 12, 16, 21)

Shape = tuple[int, int, int]
"""(channels, height, width)"""


@dataclass
class Graph:
    """An ONNX graph in the making."""

    rng: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, op: str, x: str, y: str, *weights: np.ndarray, **attributes: Any) -> str:
        """A node from x and constants to y, which it returns."""
        names = [f"{y}_w{i}" for i in range(len(weights))]
        self.weights += map(onnx.numpy_helper.from_array, weights, names)
        self.nodes.append(helper.make_node(op, [x, *names], [y], name=y, **attributes))
        return y

    def weight(self, *shape: int) -> np.ndarray:
        """Random weights of a size that keeps the scale of what they multiply, so that no channel is constant."""
        return self.rng.normal(0.02, 1.4 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)

    def convolution(self, x: str, y: str, shape: Shape, outputs: int, **attributes: Any) -> str:
        """A convolution whose attributes are those of ONNX."""
        kernel = attributes["kernel_shape"]
        weight = self.weight(outputs, shape[0] // attributes.get("group", 1), *kernel)
        return self.add("Conv", x, y, weight, np.zeros(outputs, np.float32), **attributes)

    def model(self, shape: Shape, outputs: dict[str, tuple[int, ...]]) -> onnx.ModelProto:
        """The graph from `x0` of this shape to the outputs."""
        image = helper.make_tensor_value_info("x0", TensorProto.FLOAT, [1, *shape])
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in outputs.items()]
        graph = helper.make_graph(self.nodes, "probe", [image], made, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def probe(name: str) -> onnx.ModelProto:
    """The network of this name: `chain`, `separable` or `fan`, and a seed."""
    kind, seed = name.rstrip("0123456789"), int(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    return {"chain": chain, "separable": separable, "fan": fan}[kind](Graph(np.random.default_rng(seed)))


def chain(graph: Graph) -> onnx.ModelProto:
    """Convolutions (1x1, k x k, depthwise), some with a residual addition, and a classifier."""
    rng = graph.rng
    side, channels = int(rng.choice(SIDES)), int(rng.choice((1, 3, 4)))
    x, first = "x0", (channels, side, side)
    shape = first
    for layer in range(1, LAYERS + 1):
        x, shape = _link(graph, x, shape, layer)
    graph.add("Flatten", x, "flat")
    classes = int(rng.choice((10, 12, 35)))
    graph.add("Gemm", "flat", "y", graph.weight(classes, int(np.prod(shape))), transB=1)
    return graph.model(first, {"y": (1, classes)})


def _link(graph: Graph, x: str, shape: Shape, layer: int) -> tuple[str, Shape]:
    rng, (channels, side, _) = graph.rng, shape
    kind = rng.choice(("pointwise", "depthwise", "window", "residual"))
    kernel = 1 if kind == "pointwise" else int(rng.choice((3, 3, 5))) if side > 4 else 3
    stride = int(rng.choice((1, 1, 2))) if kind in ("depthwise", "window") and side > 6 else 1
    outputs = channels if kind in ("depthwise", "residual") else int(rng.choice(CHANNELS))
    window = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
    groups = channels if kind == "depthwise" else 1
    y = graph.convolution(x, f"conv{layer}", shape, outputs, group=groups, **window)
    if kind == "residual":
        graph.nodes.append(helper.make_node("Add", [y, x], [f"add{layer}"], name=f"add{layer}"))
        y = f"add{layer}"
    side = (side + stride - 1) // stride
    return graph.add("Relu", y, f"x{layer}"), (outputs, side, side)


def separable(graph: Graph) -> onnx.ModelProto:
    """Depthwise 3x3 and 1x1 convolutions in turn, on images of any two sides."""
    rng = graph.rng
    shape = first = (int(rng.choice(CHANNELS)), int(rng.integers(5, 33)), int(rng.integers(4, 26)))
    x = "x0"
    for layer in range(LAYERS):
        channels, *sides = shape
        strides = [int(n) for n in rng.choice((1, 1, 1, 2), size=2)] if min(sides) > 4 else [1, 1]
        window = {"kernel_shape": [3, 3], "strides": strides, "pads": [1, 1, 1, 1]}
        x = graph.add("Relu", graph.convolution(x, f"d{layer}", shape, channels, group=channels, **window), f"a{layer}")
        height, width = ((n + s - 1) // s for n, s in zip(sides, strides, strict=True))
        depth = int(rng.choice(CHANNELS))
        x = graph.convolution(x, f"p{layer}", (channels, height, width), depth, kernel_shape=[1, 1])
        x, shape = graph.add("Relu", x, f"x{layer + 1}"), (depth, height, width)
    return graph.model(first, {x: (1, *shape)})


def fan(graph: Graph) -> onnx.ModelProto:
    """Convolutions and pools with windows of any size, all of the same image, without padding."""
    rng = graph.rng
    shape = (int(rng.choice((1, 1, 3, 7, 12, 16))), int(rng.integers(10, 30)), int(rng.integers(8, 24)))
    outputs = {}
    for branch in range(LAYERS):
        kind = rng.choice(("window", "window", "depthwise", "AveragePool", "MaxPool"))
        kernel = [int(rng.integers(1, 1 + min(side, 8))) for side in shape[1:]]
        strides = [int(n) for n in rng.choice((1, 1, 2), size=2)]
        y, window = f"y{branch}", {"kernel_shape": kernel, "strides": strides}
        depth = int(rng.choice(CHANNELS)) if kind == "window" else shape[0]
        if kind in ("window", "depthwise"):
            graph.convolution("x0", y, shape, depth, group=1 if kind == "window" else depth, **window)
        else:
            graph.add(kind, "x0", y, **window)
        sides = [(n - k) // s + 1 for n, k, s in zip(shape[1:], kernel, strides, strict=True)]
        outputs[y] = (1, depth, *sides)
    return graph.model(shape, outputs)
