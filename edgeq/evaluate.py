"""Runs the float model and the integer program on the same samples and compares their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgeq.program.interface import quantize_inputs, real_output
from edgeq.progress import Progress
from edgeq.report.metrics import Accuracy, Metric, measure

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgeq.calibrate.samples import Samples
    from edgeq.program.program import Program

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
    return measure(metric, np.concatenate(expected), np.concatenate(got), samples.labels, np.concatenate(seen))
