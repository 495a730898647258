"""Runs a piece of a graph on many samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeq.calibrate.session import Session

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

IR_VERSION = 13
"""The newest ONNX IR version that onnxruntime reads, for all opsets."""


class Segment:
    """A session over some nodes of a graph.

    Args:
        nodes: In order of execution.
        opset: Of the graph they are from.
        inputs: Per input: a sample, for its shape and type.
        outputs: Names of the values to compute.
        constants: The initializers that the nodes use.
        aliases: Other names under which the nodes' inputs are known.
    """

    def __init__(
        self,
        nodes: Sequence[ir.Node],
        opset: int,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
        constants: Mapping[str, np.ndarray],
        aliases: Mapping[str, str],
    ) -> None:
        import onnx

        graph = onnx.helper.make_graph(
            [_renamed(node, aliases) for node in nodes],
            "segment",
            [_typed(name, sample) for name, sample in inputs.items()],
            [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
            [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        opsets = [onnx.helper.make_opsetid("", opset)]
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        self._session = Session(model.SerializeToString(), outputs)
        self._inputs = list(inputs)

    def run(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs all samples, one by one.

        Args:
            arrays: Per input, (samples, *shape): float32, or integers where they are tokens.

        Returns:
            Per output, float32 (samples, *shape).
        """
        return self._session.run({name: arrays[name] for name in self._inputs})


def _typed(name: str, sample: np.ndarray) -> onnx.ValueInfoProto:
    import onnx

    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(sample.dtype), sample.shape)


def _renamed(node: ir.Node, aliases: Mapping[str, str]) -> onnx.NodeProto:
    import onnx_ir as ir

    proto = ir.serde.serialize_node(node)
    for i, name in enumerate(proto.input):
        proto.input[i] = aliases.get(name, name)
    return proto
