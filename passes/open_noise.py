"""The noise at the outputs of a QDQ model whose weights are still float: how good a rounding of them all is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from edgeq.passes.output_noise import without_fractions
from edgeq.passes.references import float_constants, pair_aliases, quantized_constants
from edgeq.reconstruct.replica import Replica


class OpenNoise:
    """Callable: the noise-to-signal ratio of the outputs, in front of Softmax and sigmoids, summed over outputs.

    Args:
        model: Of which the float network inside is the reference.
        inputs: Per graph input, (samples, *shape).
    """

    def __init__(self, model: ir.Model, inputs: Mapping[str, np.ndarray]) -> None:
        cut = without_fractions(model)
        self._inputs = inputs
        self.exact = Replica(cut, inputs, float_constants(cut.graph), pair_aliases(cut.graph)).outputs()

    def __call__(self, model: ir.Model) -> float:
        """Of the same model with other solutions in its layers."""
        cut = without_fractions(model)
        reached = Replica(cut, self._inputs, quantized_constants(cut.graph), {}).outputs()
        return sum(_ratio(exact, got) for exact, got in zip(self.exact, reached, strict=True))


def _ratio(exact: np.ndarray, got: np.ndarray) -> float:
    noise, signal = (float(np.square(x, dtype=np.float64).sum()) for x in (got - exact, exact))
    return noise / signal if signal else 0.0
