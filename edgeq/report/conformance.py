"""Each kernel against onnxruntime: fed the same integers, how far is it from its QDQ subgraph?

One session checks every kernel at once: the QDQ model is cut at each quantized tensor, so that every QuantizeLinear
becomes an output and every DequantizeLinear reads an input, which is fed what the interpreter computed. What data
movement makes of such a tensor has no QuantizeLinear of its own: it is checked with the next kernel, or as an output.
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
    from edgeq.program.program import Port

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

    computed, outputs = _run(built, integers)
    given = _inputs(built, integers)
    moved = [str(value.name) for value in model.graph.outputs if not _is_dequantized(value)]
    count = len(next(iter(integers.values())))
    if not computed and not moved:
        return Conformance(0, 0.0, count, {})
    fed = {FED + name: array for name, array in (given | computed).items()}
    results = FloatRunner(_cut(model, list(given | computed), moved)).run({**inputs, **fed})
    steps = {name: np.abs(results[name].astype(np.int64) - array) for name, array in computed.items()}
    ports = [port for port in built.program.outputs if port.name in moved]
    steps |= {port.name: _steps(port, results[port.name], outputs[port.name]) for port in ports}
    layers = {name: (int(array.max()), float(np.mean(array != 0))) for name, array in steps.items()}
    differing = sum(int(np.count_nonzero(array)) for array in steps.values())
    total = sum(array.size for array in steps.values())
    return Conformance(max(most for most, _ in layers.values()), differing / total, count, layers)


def _run(built: Built, integers: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Integers of each quantized tensor as the program computes them, (samples, *shape), and those of its outputs."""
    program = built.program
    makers: dict[int, list[str]] = {}
    for name, value in built.tensors.values():
        if value.buffer in program.last_writer:
            makers.setdefault(program.last_writer[value.buffer], []).append(name)
    values = dict(built.tensors.values())
    found: dict[str, np.ndarray] = {}

    def keep(i: int, op: Op, array: np.ndarray) -> None:
        found.update({name: values[name].read(array) for name in makers.get(i, ())})

    outputs = interpret(program, integers, trace=keep, batch=len(next(iter(integers.values()))))
    return found, outputs


def _inputs(built: Built, integers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Integers of each quantized tensor that is an input of the program: onnxruntime is not to round them anew."""
    ports = {port.buffer: integers[port.name] for port in built.program.inputs}
    tensors = dict(built.tensors.values())
    return {name: value.read(ports[value.buffer]) for name, value in tensors.items() if value.buffer in ports}


def _is_dequantized(value: ir.Value) -> bool:
    """Whether a graph output is a quantized tensor as it is, which is compared already."""
    producer = value.producer()
    return producer is not None and producer.op_type == "DequantizeLinear"


def _steps(port: Port, real: np.ndarray, integers: np.ndarray) -> np.ndarray:
    """Distances of an output port from real numbers, in steps of its scale."""
    order = port.order or tuple(range(real.ndim - 1))
    expected = np.rint(real.transpose(0, *(axis + 1 for axis in order)) / port.scale) + port.zero_point
    return np.abs(expected.astype(np.int64) - integers)


def _cut(model: ir.Model, tensors: list[str], outputs: list[str]) -> ir.Model:
    """A copy in which each named quantized tensor is an output, and its readers read a new input instead.

    Args:
        outputs: Names of the graph outputs that it keeps.
    """
    import onnx_ir as ir

    cut = model.clone()
    values = {value.name: value for node in cut.graph for value in node.outputs}
    cut.graph.outputs[:] = [values[name] for name in outputs]
    for name in tensors:
        value = values[name]
        uses = tuple(value.uses())
        twin = ir.Value(name=FED + name, shape=value.shape, type=value.type)
        fed = twin
        if value.dtype == ir.DataType.INT4:  # which NumPy does not have: fed and fetched as int8
            twin.type = ir.TensorType(ir.DataType.INT8)
            value.name = f"{name}_int4"
            fed = _cast(cut.graph, twin, ir.DataType.INT4, f"{FED}{name}_int4")
            value = _cast(cut.graph, value, ir.DataType.INT8, name)
        for use in uses:
            use.node.replace_input_with(use.idx, fed)
        cut.graph.inputs.append(twin)
        cut.graph.outputs.append(value)
    return cut


def _cast(graph: ir.Graph, value: ir.Value, to: ir.DataType, name: str) -> ir.Value:
    """A value in another type of integers."""
    import onnx_ir as ir

    node = ir.node("Cast", [value], {"to": to})
    producer = value.producer()
    if producer is None:
        graph.insert_before(graph[0], node)
    else:
        graph.insert_after(producer, node)
    result = node.outputs[0]
    result.name, result.shape, result.type = name, value.shape, ir.TensorType(to)
    return result
