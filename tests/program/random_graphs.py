"""Random small ONNX graphs of everything that edgeq compiles, as a hypothesis strategy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper, shape_inference

MAX_ELEMENTS = 600
Shape = tuple[int, ...]


class RandomGraph:
    """A float model and samples of its inputs, by name, (samples, *shape)."""

    def __init__(self, model: onnx.ModelProto, samples: dict[str, np.ndarray]) -> None:
        self.model = model
        self.samples = samples

    def __repr__(self) -> str:
        return onnx.printer.to_text(self.model.graph)


class Draft:
    """A graph under construction.

    Attributes:
        draw: Of hypothesis.
        rng: For numbers whose values do not matter.
        shapes: Of every float value so far, in order.
        vocabularies: Of every input of tokens.
    """

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**16)))
        self.shapes: dict[str, Shape] = {}
        self.vocabularies: dict[str, int] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def pick(self, *values: object) -> object:
        """One of these; the first is the simplest."""
        return self.draw(st.sampled_from(values))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def input(self, shape: Shape) -> None:
        name = f"in{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self.shapes[name] = shape

    def embedding(self, rows: int, count: int, depth: int) -> None:
        """An input of tokens, and the rows of a table that they name."""
        name = f"tokens{len(self.vocabularies)}"
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64, (1, count)))
        self.vocabularies[name] = rows
        self.node("Gather", self.weight(rows, depth), name)

    def constant(self, array: np.ndarray) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, *shape: int, fan_in: int = 1) -> str:
        """Normal numbers that keep the size of what they multiply."""
        return self.constant((self.rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))

    def whole(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes: object) -> None:
        """Adds a node, unless its results would be empty or large."""
        names = [f"v{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(op, inputs, names, name=f"{op}{len(self._nodes)}", **attributes))
        inferred = self._inferred()
        shapes = {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in inferred.graph.value_info}
        if all(0 < np.prod(shapes[name]) <= MAX_ELEMENTS for name in names):
            self.shapes |= {name: shapes[name] for name in names}
        else:
            self._nodes.pop()

    def model(self, extra_outputs: int) -> onnx.ModelProto:
        """What nothing uses becomes an output, and up to `extra_outputs` values that are used as well."""
        used = {name for node in self._nodes for name in node.input}
        computed = [name for node in self._nodes for name in node.output]
        outputs = [name for name in computed if name not in used]
        outputs += [name for name in computed if name in used][:extra_outputs]
        model = self._inferred()
        known = {value.name: value for value in model.graph.value_info}
        model.graph.output.extend(known[name] for name in outputs)
        unused = [value.name for value in model.graph.input if value.name not in used]
        for value in [value for value in model.graph.input if value.name in unused]:
            model.graph.input.remove(value)
        return model

    def _inferred(self) -> onnx.ModelProto:
        graph = helper.make_graph(self._nodes, "g", self.inputs, [], self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        return shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)


Maker = Callable[[Draft, str, Shape], None]
"""Adds a node that takes this value of this shape, or none where it takes no such shape."""


@st.composite
def random_graphs(draw: st.DrawFn, samples: int = 6) -> RandomGraph:
    """One to three inputs, one to eight operators, one or more outputs."""
    from program.random_nodes import MAKERS

    draft = Draft(draw)
    for _ in range(draft.pick(1, 1, 1, 2, 3)):  # type: ignore[call-overload]
        draft.input(draft.pick((1, 4, 6, 5), (1, 3, 7, 7), (1, 6, 10), (1, 12)))  # type: ignore[arg-type]
    if draft.pick(False, False, False, True):
        draft.embedding(draft.number(2, 300), draft.number(1, 6), draft.number(1, 6))
    for _ in range(draft.number(1, 8)):
        names = list(draft.shapes)
        name = names[-1] if draft.pick(True, True, False) else draw(st.sampled_from(names))
        makers = MAKERS[len(draft.shapes[name])]
        draw(st.sampled_from(makers))(draft, name, draft.shapes[name])
    if all(name in draft.shapes for name in (value.name for value in draft.inputs)) and len(draft.shapes) == len(
        draft.inputs
    ):
        name = next(iter(draft.shapes))
        draft.node("Relu", name)
    model = draft.model(draft.pick(0, 0, 1, 2))  # type: ignore[arg-type]
    return RandomGraph(model, _samples(draft, model, samples))


def _samples(draft: Draft, model: onnx.ModelProto, count: int) -> dict[str, np.ndarray]:
    """Normal numbers of some magnitude, on some side of zero."""
    arrays = {}
    for value in model.graph.input:
        if value.name in draft.vocabularies:
            shape = (count, *(d.dim_value for d in value.type.tensor_type.shape.dim))
            arrays[value.name] = draft.rng.integers(0, draft.vocabularies[value.name], shape)
            continue
        scale, middle = draft.pick(1.0, 0.01, 50.0), draft.pick(0.0, 1.0, -3.0)
        numbers = draft.rng.standard_normal((count, *draft.shapes[value.name]))
        arrays[value.name] = ((numbers + middle) * scale).astype(np.float32)  # type: ignore[operator]
    return arrays
