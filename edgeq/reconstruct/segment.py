"""Runs a piece of a graph on many samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

IR_VERSION = 13
"""The newest ONNX IR version that onnxruntime reads, for all opsets."""


class Segment:
    """An onnxruntime session over some nodes of a graph.

    Graph optimizations are off, so that the arithmetic is what the graph says.

    Args:
        nodes: In order of execution.
        opset: Of the graph they are from.
        inputs: Per input: its shape without the sample axis.
        outputs: Names of the values to compute.
        constants: The initializers that the nodes use.
        aliases: Other names under which the nodes' inputs are known.
    """

    def __init__(
        self,
        nodes: Sequence[ir.Node],
        opset: int,
        inputs: Mapping[str, tuple[int, ...]],
        outputs: Sequence[str],
        constants: Mapping[str, np.ndarray],
        aliases: Mapping[str, str],
    ) -> None:
        import onnx
        import onnxruntime as ort

        graph = onnx.helper.make_graph(
            [_renamed(node, aliases) for node in nodes],
            "segment",
            [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
            [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        opsets = [onnx.helper.make_opsetid("", opset)]
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._session = ort.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["ClipQuantRewrite"],  # fails on int4
        )
        self._inputs, self._outputs = list(inputs), list(outputs)

    def run(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs all samples, one by one.

        Args:
            arrays: Per input, float32 (samples, *shape).

        Returns:
            Per output, float32 (samples, *shape).
        """
        count = len(arrays[self._inputs[0]])
        results: list[np.ndarray] = []
        for i in range(count):
            row = self._session.run(self._outputs, {name: arrays[name][i] for name in self._inputs})
            results = results or [np.empty((count, *array.shape), np.float32) for array in row]
            for whole, array in zip(results, row, strict=True):
                whole[i] = array
        return dict(zip(self._outputs, results, strict=True))


def _renamed(node: ir.Node, aliases: Mapping[str, str]) -> onnx.NodeProto:
    import onnx_ir as ir

    proto = ir.serde.serialize_node(node)
    for i, name in enumerate(proto.input):
        proto.input[i] = aliases.get(name, name)
    return proto
