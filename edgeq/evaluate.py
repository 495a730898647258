"""Runs the float model and the integer program on the same samples and compares their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgeq.program.interface import quantize_inputs, real_output
from edgeq.progress import Progress, silent
from edgeq.report.metrics import Accuracy, Metric, measure

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgeq.calibrate.samples import Samples
    from edgeq.program.program import Program

IntegerRunner = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]

BATCH = 64


@dataclass(frozen=True, eq=False)
class Answers:
    """First outputs of both models, as real numbers.

    Attributes:
        reference, quantized: (samples, ...): of the float model and of the integer program.
        inputs: Of the first input, (samples, ...).
        labels: (samples,), where the data have them.
    """

    reference: np.ndarray
    quantized: np.ndarray
    inputs: np.ndarray
    labels: np.ndarray | None

    def accuracy(self, metric: Metric | None = None) -> Accuracy:
        """The metric of both models; None chooses by the data.

        Raises:
            UsageError: The metric needs labels that the data do not have.
        """
        return measure(metric, self.reference, self.quantized, self.labels, self.inputs)


def evaluate(
    reference: ir.Model,
    program: Program,
    samples: Samples,
    *,
    runner: IntegerRunner | None = None,
    progress: Progress = silent,
) -> Answers:
    """Runs both models over all samples.

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
    return Answers(np.concatenate(expected), np.concatenate(got), np.concatenate(seen), samples.labels)
