"""Each kernel against onnxruntime: fed the same integers, how far is it from its QDQ subgraph?

One session checks every kernel at once: the QDQ model is cut at each quantized tensor, so that every QuantizeLinear
becomes an output and every DequantizeLinear reads an input, which is fed what the interpreter computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.program.interpreter import interpret
from edgeq.program.ops import Op

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgeq.program.builder import Built

FED = "edgeq_fed_"


@dataclass(frozen=True)
class Conformance:
    """How the kernels compare with onnxruntime (ORT_DISABLE_ALL) on the same integer inputs.

    Attributes:
        max_steps: Largest difference of any element, in steps of the output's scale.
        share: Share of the elements that differ at all.
        samples: Samples compared.
        layers: By quantized tensor: largest difference and share.
    """

    max_steps: int
    share: float
    samples: int
    layers: dict[str, tuple[int, float]]

    def to_dict(self) -> dict[str, object]:
        """As report.json has it."""
        worst = max(self.layers, key=lambda name: self.layers[name], default=None)
        return {"max_steps": self.max_steps, "share": self.share, "samples": self.samples, "worst": worst}


def compare_with_onnxruntime(
    model: ir.Model, built: Built, inputs: Mapping[str, np.ndarray], integers: Mapping[str, np.ndarray]
) -> Conformance:
    """Compares every kernel whose operands and result are quantized tensors of the model.

    Args:
        model: The QDQ model that the program was built from.
        inputs, integers: The same samples, real and as the program's ports take them.
    """
    from edgeq.calibrate.float_runner import FloatRunner

    computed = _quantized_tensors(built, integers)
    fed = {FED + name: array for name, array in computed.items()}
    results = FloatRunner(_cut(model, list(computed))).run({**inputs, **fed})
    layers = {name: _difference(results[name], array) for name, array in computed.items()}
    total = sum(array.size for array in computed.values())
    differing = sum(share * computed[name].size for name, (_, share) in layers.items())
    samples = len(next(iter(integers.values())))
    return Conformance(max((steps for steps, _ in layers.values()), default=0), differing / total, samples, layers)


def _quantized_tensors(built: Built, integers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Integers of each quantized tensor as the program computes them, (samples, *shape)."""
    program = built.program
    makers: dict[int, list[str]] = {}
    for name, value in built.tensors.values():
        if value.buffer in program.last_writer:
            makers.setdefault(program.last_writer[value.buffer], []).append(name)
    values = dict(built.tensors.values())
    found: dict[str, np.ndarray] = {}

    def keep(i: int, op: Op, array: np.ndarray) -> None:
        found.update({name: values[name].read(array) for name in makers.get(i, ())})

    interpret(program, integers, trace=keep, batch=len(next(iter(integers.values()))))
    return found


def _cut(model: ir.Model, tensors: list[str]) -> ir.Model:
    """A copy in which each named quantized tensor is an output, and its readers read a new input instead."""
    import onnx_ir as ir

    cut = model.clone()
    values = {value.name: value for node in cut.graph for value in node.outputs}
    cut.graph.outputs.clear()
    for name in tensors:
        value = values[name]
        twin = ir.Value(name=FED + name, shape=value.shape, type=value.type)
        for use in tuple(value.uses()):
            use.node.replace_input_with(use.idx, twin)
        cut.graph.inputs.append(twin)
        cut.graph.outputs.append(value)
    return cut


def _difference(result: np.ndarray, expected: np.ndarray) -> tuple[int, float]:
    steps = np.abs(result.astype(np.int64) - expected)
    return int(steps.max(initial=0)), float(np.mean(steps != 0)) if steps.size else 0.0
