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

    from edgeq.program.builder import Built


def layer_rows(program: Program, noise: Mapping[str, float]) -> list[dict[str, Any]]:
    """One row per op, as report.json has it.

    Args:
        noise: SQNR in dB against the float model, by buffer, where it is known; stated where the buffer is complete.
    """
    return [
        {
            "name": op.name,
            "op": op.kind,
            "macs": op.macs,
            "weight_bits": getattr(op, "weight_bits", None),
            "activation_bits": program.buffer[op.y].bits,
            "sqnr_db": noise.get(op.y) if program.last_writer[op.y] == i else None,
        }
        for i, op in enumerate(program.ops)
    ]


def layer_noise(
    built: Built, reference: ir.Model, inputs: Mapping[str, np.ndarray], integers: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """SQNR of each buffer, on inputs that come through the quantized layers before it.

    Args:
        reference: The float model that was quantized.
        inputs, integers: The same samples, real and as the program's ports take them.

    Returns:
        dB by buffer, for those that hold a tensor of the float model.
    """
    from edgeq.calibrate.float_runner import FloatRunner

    program = built.program
    computed = {value.name for node in reference.graph for value in node.outputs}
    makers = {program.last_writer.get(value.buffer): (t, value) for t, (_, value) in built.tensors.items()}
    wanted = {i: found for i, found in makers.items() if i is not None and found[0] in computed}
    if not wanted:
        return {}
    floats = FloatRunner(reference, sorted({tensor for tensor, _ in wanted.values()})).run(inputs)
    noise: dict[str, float] = {}

    def compare(i: int, op: Op, array: np.ndarray) -> None:
        if i in wanted:
            tensor, value = wanted[i]
            noise[op.y] = sqnr_db(floats[tensor], value.params.dequantize(value.read(array)))

    interpret(program, integers, trace=compare, batch=len(next(iter(integers.values()))))
    return noise
