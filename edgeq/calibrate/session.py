"""onnxruntime over many samples, computing what the graph says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


class Session:
    """An onnxruntime session that runs samples one by one.

    Graph optimizations are off, so that every tensor exists, QDQ pairs are not fused into integer kernels, and
    results do not depend on which fusions a version of onnxruntime knows. One thread: the zoo's layers are so small
    that a second one costs more in waiting than it gives (resnet8 with all its tensors: 0.23 s of CPU and 0.49 s of
    time for 256 samples, against 0.73 and 1.83 s), and sums do not depend on the machine. A batch would gain less
    than a factor of two, and sums would depend on its size.

    Args:
        model: A serialized model whose inputs are one sample each.
        outputs: Names of the graph outputs to compute.
    """

    def __init__(self, model: bytes, outputs: Sequence[str]) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            model,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["ClipQuantRewrite"],  # fails on int4
        )
        self._outputs = list(outputs)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs samples.

        Args:
            inputs: Per graph input, (samples, *input shape), with one sample or more.

        Returns:
            Per output, (samples, *output shape).
        """
        count = len(next(iter(inputs.values())))
        results: list[np.ndarray] = []
        for i in range(count):
            row = self._session.run(self._outputs, {name: array[i] for name, array in inputs.items()})
            results = results or [np.empty((count, *array.shape), array.dtype) for array in row]
            for whole, array in zip(results, row, strict=True):
                whole[i] = array
        return dict(zip(self._outputs, results, strict=True))
