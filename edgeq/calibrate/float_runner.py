"""Runs an ONNX model in onnxruntime: the float reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeq.calibrate.session import Session

if TYPE_CHECKING:
    import onnx_ir as ir


class FloatRunner:
    """A session over a canonical model (batch 1, float or QDQ).

    Args:
        model: Left as it is.
        tensors: Names of node outputs to compute; None for the graph outputs.
    """

    def __init__(self, model: ir.Model, tensors: Sequence[str] | None = None) -> None:
        import onnx_ir as ir

        copy = model.clone()
        if tensors is not None:
            values = {value.name: value for node in copy.graph for value in node.outputs}
            copy.graph.outputs[:] = [values[name] for name in tensors]
        self.outputs = [str(value.name) for value in copy.graph.outputs]
        self._session = Session(ir.to_proto(copy).SerializeToString(), self.outputs)

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs samples.

        Args:
            feeds: Per graph input, (samples, *input shape), with one sample or more.

        Returns:
            Per tensor, (samples, *tensor shape).
        """
        return self._session.run(feeds)


def run(
    model: ir.Model, feeds: Mapping[str, np.ndarray], tensors: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Runs `model` once: `FloatRunner(model, tensors).run(feeds)`."""
    return FloatRunner(model, tensors).run(feeds)
