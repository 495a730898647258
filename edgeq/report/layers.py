"""What each layer costs and how much noise the program has gathered by then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.program.interpreter import interpret
from edgeq.program.ops import Op
from edgeq.program.program import Program
from edgeq.report.metrics import sqnr_db

if TYPE_CHECKING:
    import onnx_ir as ir

SAMPLES = 8


def layer_rows(program: Program, noise: Mapping[int, float]) -> list[dict[str, Any]]:
    """One row per op, as report.json has it.

    Args:
        noise: SQNR in dB of the op's output against the float model, by op index, where it is known.
    """
    return [
        {
            "name": op.name,
            "op": op.kind,
            "macs": op.macs,
            "weight_bits": getattr(op, "weight_bits", None),
            "activation_bits": program.buffer[op.y].bits,
            "sqnr_db": noise.get(i),
        }
        for i, op in enumerate(program.ops)
    ]


def layer_noise(
    program: Program,
    quantized: ir.Model,
    reference: ir.Model,
    inputs: Mapping[str, np.ndarray],
    integers: Mapping[str, np.ndarray],
) -> dict[int, float]:
    """SQNR of each op's output, on inputs that come through the quantized layers before it.

    Args:
        quantized: The QDQ model that the program was built from.
        reference: The float model.
        inputs, integers: The same samples, real and as the program's ports take them.

    Returns:
        dB by op index, for ops whose buffer is a quantized tensor of the model.
    """
    from edgeq.calibrate.float_runner import FloatRunner

    sources = _quantized_tensors(quantized)
    computed = {value.name for node in reference.graph for value in node.outputs}
    wanted = {
        i: sources[program.buffer[op.y].tensor or ""]
        for i, op in enumerate(program.ops)
        if program.buffer[op.y].tensor in sources and program.last_writer[op.y] == i
    }
    wanted = {i: source for i, source in wanted.items() if source[0] in computed}
    if not wanted:
        return {}
    floats = FloatRunner(reference, sorted({tensor for tensor, *_ in wanted.values()})).run(inputs)
    noise: dict[int, float] = {}

    def compare(i: int, op: Op, array: np.ndarray) -> None:
        if i in wanted:
            tensor, scale, zero = wanted[i]
            noise[i] = _channels_last_sqnr(floats[tensor], (array.astype(np.float64) - zero) * scale)

    interpret(program, integers, trace=compare, batch=SAMPLES)
    return noise


def _quantized_tensors(model: ir.Model) -> dict[str, tuple[str, float, int]]:
    """Float tensor, scale and zero point behind each quantized tensor of a QDQ model."""
    from edgeq.program.builder.build import quant_params

    result = {}
    for node in model.graph:
        if node.op_type == "QuantizeLinear" and node.inputs[0] is not None:
            params = quant_params(node)
            result[str(node.outputs[0].name)] = (str(node.inputs[0].name), params.scale, params.zero_point)
    return result


def _channels_last_sqnr(reference: np.ndarray, quantized: np.ndarray) -> float:
    """SQNR of a float tensor (samples, n, c, ...) against the same in channels-last order."""
    if reference.ndim > 3:
        reference = np.moveaxis(reference, 2, -1)
    return sqnr_db(reference, quantized.reshape(reference.shape))
