"""Runs an ONNX model in onnxruntime: the float reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx_ir as ir


class FloatRunner:
    """An onnxruntime session over a canonical model (batch 1, float or QDQ), computing what the graph says.

    Graph optimizations are off, so that every tensor exists, QDQ pairs are not fused into integer kernels, and
    results do not depend on which fusions a version of onnxruntime knows. Samples run one by one: a batch would gain
    less than a factor of two, and sums would depend on its size.

    Args:
        model: Left as it is.
        tensors: Names of node outputs to compute; None for the graph outputs.
    """

    def __init__(self, model: ir.Model, tensors: Sequence[str] | None = None) -> None:
        import onnx_ir as ir
        import onnxruntime as ort

        copy = model.clone()
        if tensors is not None:
            values = {value.name: value for node in copy.graph for value in node.outputs}
            copy.graph.outputs[:] = [values[name] for name in tensors]
        self.outputs = [str(value.name) for value in copy.graph.outputs]
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        proto = ir.to_proto(copy).SerializeToString()
        self._session = ort.InferenceSession(proto, options, providers=["CPUExecutionProvider"])

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs samples.

        Args:
            feeds: Per graph input, (samples, *input shape), with one sample or more.

        Returns:
            Per tensor, (samples, *tensor shape).
        """
        count = len(next(iter(feeds.values())))
        rows = [self._session.run(self.outputs, {name: x[i] for name, x in feeds.items()}) for i in range(count)]
        return {name: np.stack(column) for name, column in zip(self.outputs, zip(*rows, strict=True), strict=True)}


def run(
    model: ir.Model, feeds: Mapping[str, np.ndarray], tensors: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Runs `model` once: `FloatRunner(model, tensors).run(feeds)`."""
    return FloatRunner(model, tensors).run(feeds)
