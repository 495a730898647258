"""Runs the float model and the integer program on the same samples and compares their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgeq.progress import Progress
from edgeq.quant.fixed_point import round_half_up
from edgeq.report.metrics import Accuracy, Metric, measure

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgeq.calibrate.samples import Samples
    from edgeq.program.program import Port, Program

IntegerRunner = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]

BATCH = 64


def evaluate(
    reference: ir.Model,
    program: Program,
    samples: Samples,
    *,
    metric: Metric | None = None,
    runner: IntegerRunner | None = None,
    progress: Progress,
) -> Accuracy:
    """The metric of both models over all samples, of their first output.

    Args:
        runner: Runs the integer program; None takes the interpreter.
    """
    from edgeq.calibrate.float_runner import FloatRunner
    from edgeq.program.interpreter import interpret

    floats = FloatRunner(reference)
    runner = runner or partial(interpret, program)
    port = program.outputs[0]
    expected, got, seen = [], [], []
    for batch in samples.batches(BATCH):
        expected.append(floats.run(batch)[port.name])
        got.append(real_output(port, runner(quantize_inputs(program, batch))[port.name]))
        seen.append(batch[program.inputs[0].name])
        progress("evaluate", sum(map(len, seen)), len(samples))
    return measure(metric, *map(np.concatenate, (expected, got)), samples.labels, np.concatenate(seen))


def quantize_inputs(program: Program, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Real inputs, (samples, *model shape), as the program's ports take them."""
    return {port.name: _quantize(port, inputs[port.name], program.buffer[port.buffer].bits) for port in program.inputs}


def _quantize(port: Port, array: np.ndarray, bits: int) -> np.ndarray:
    lo, hi = (0, 255) if port.unsigned else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    steps = round_half_up(array / port.scale + port.zero_point).clip(lo, hi)
    dtype = np.uint8 if port.unsigned else np.int16 if bits == 16 else np.int8
    return to_interface(steps.astype(dtype), port)


def to_interface(array: np.ndarray, port: Port) -> np.ndarray:
    """(samples, *model shape) in the axis order of the port."""
    order = port.order or tuple(range(array.ndim - 1))
    return np.ascontiguousarray(array.transpose(0, *(axis + 1 for axis in order)))


def real_output(port: Port, integers: np.ndarray) -> np.ndarray:
    """Integers of an output port, (samples, *port.shape), as real numbers in the model's own shape."""
    real = (integers.astype(np.float64) - port.zero_point) * port.scale
    order = port.order or tuple(range(real.ndim - 1))
    return real.transpose(0, *(int(axis) + 1 for axis in np.argsort(order)))
