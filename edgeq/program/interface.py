"""Between real numbers in a model's own shape and integers as a program's ports take them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.program.program import Port, Program
from edgeq.quant.fixed_point import round_half_up


def quantize_inputs(program: Program, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Real inputs, (samples, *model shape), as the program's ports take them: (samples, *port.shape)."""
    return {port.name: _quantize(port, inputs[port.name], program.buffer[port.buffer].bits) for port in program.inputs}


def _quantize(port: Port, array: np.ndarray, bits: int) -> np.ndarray:
    lo, hi = (0, 255) if port.unsigned else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    steps = round_half_up(array / port.scale + port.zero_point).clip(lo, hi)
    integers = steps.astype(np.uint8 if port.unsigned else np.int16 if bits == 16 else np.int8)
    return np.ascontiguousarray(integers.transpose(0, *(axis + 1 for axis in _order(port))))


def real_output(port: Port, integers: np.ndarray) -> np.ndarray:
    """Integers of an output port, (samples, *port.shape), as real numbers in the model's own shape."""
    real = (integers.astype(np.float64) - port.zero_point) * port.scale
    return real.transpose(0, *(int(axis) + 1 for axis in np.argsort(_order(port))))


def _order(port: Port) -> tuple[int, ...]:
    return port.order or tuple(range(len(port.shape)))
