"""The part of a model behind one tensor: what becomes of the outputs when only that tensor changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from edgeq.calibrate.float_runner import FloatRunner

if TYPE_CHECKING:
    import onnx_ir as ir


class Suffix:
    """Runs a float model from one tensor on, everything that does not depend on it kept as it was on some samples.

    Args:
        model: Canonical float model; left as it is.
        tensor: Name of a graph input or node output.
        feeds: Per graph input, (samples, *input shape).

    Attributes:
        exact: The tensor on the samples, (samples, *shape).
    """

    def __init__(self, model: ir.Model, tensor: str, feeds: Mapping[str, np.ndarray]) -> None:
        cut, border = cut_behind(model, tensor)
        inputs = {str(value.name) for value in model.graph.inputs}
        computed = [name for name in {tensor: None, **dict.fromkeys(border)} if name not in inputs]
        values = {**feeds, **(FloatRunner(model, computed).run(feeds) if computed else {})}
        self.exact = values[tensor]
        self._tensor = tensor
        self._kept = {name: values[name] for name in border}
        self._runner = FloatRunner(cut)

    def run(self, values: np.ndarray) -> np.ndarray:
        """The outputs that depend on the tensor, flattened and joined, where it is `values`: (samples, elements)."""
        outputs = self._runner.run({**self._kept, self._tensor: values})
        return np.concatenate([array.reshape(len(values), -1) for array in outputs.values()], axis=1)


def cut_behind(model: ir.Model, tensor: str) -> tuple[ir.Model, list[str]]:
    """The nodes that depend on a tensor as a model of their own, and the names of its other inputs."""
    import onnx_ir as ir
    from onnx_ir.passes import common

    cut = model.clone()
    start = ir.convenience.create_value_mapping(cut.graph)[tensor]
    behind, fixed = {start}, set(cut.graph.initializers.values())
    for node in cut.graph:
        if behind & set(node.inputs):
            behind.update(node.outputs)
        elif all(value is None or value in fixed for value in node.inputs):
            fixed.update(node.outputs)
    nodes = [node for node in cut.graph if behind & set(node.inputs)]
    border = {value for node in nodes for value in node.inputs if value is not None} - behind - fixed
    twins = {value: ir.Value(name=None, shape=value.shape, type=value.type) for value in (start, *border)}
    outputs = [twins.get(value, value) for value in cut.graph.outputs if value in behind]
    for value, twin in twins.items():
        for user, index in tuple(value.uses()):
            if user in nodes:
                user.replace_input_with(index, twin)
    cut.graph.outputs[:] = outputs
    cut.graph.inputs[:] = list(twins.values())
    common.RemoveUnusedNodesPass()(cut)
    for value, twin in twins.items():
        twin.name, value.name = value.name, None
    return cut, [str(twin.name) for value, twin in twins.items() if value is not start]
