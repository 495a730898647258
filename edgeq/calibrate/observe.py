"""Runs a float model on samples and observes the tensors that will be quantized."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.masks import floored, masked_scores
from edgeq.calibrate.observers import Observer
from edgeq.calibrate.samples import Samples
from edgeq.errors import CalibrationError

if TYPE_CHECKING:
    import onnx_ir as ir

BATCH = 8
"""Samples whose tensors are held at once."""


def observe(
    model: ir.Model,
    samples: Samples,
    tensors: Iterable[str],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Observer]:
    """Observers of tensors over all samples, in one streaming pass whose memory does not grow with their number.

    Of masked scores only what Softmax sees is observed (`masks.floored`).

    Args:
        model: Canonical float model.
        samples: Inputs of `model`.
        tensors: Names of graph inputs and node outputs.
        progress: Told (samples done, samples in total).

    Raises:
        CalibrationError: A tensor becomes infinite or NaN on a sample.
    """
    observers = {name: Observer() for name in tensors}
    inputs = {value.name for value in model.graph.inputs}
    masked = masked_scores(model)
    runner = FloatRunner(model, [name for name in observers if name not in inputs])
    done = 0
    for batch in samples.batches(BATCH):
        values = batch | (runner.run(batch) if runner.outputs else {})
        for name, seen in observers.items():
            observed = floored(values[name], masked[name]) if name in masked else values[name]
            _update(seen, observed, name, done)
        done += len(next(iter(batch.values())))
        if progress is not None:
            progress(done, len(samples))
    return observers


def _update(seen: Observer, values: np.ndarray, tensor: str, done: int) -> None:
    try:
        seen.update(values)
    except ValueError as error:
        finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
        raise CalibrationError(
            f"the float model computes NaN or infinity on sample {done + int(finite.argmin())}",
            tensor=tensor,
            fix="check the samples' scaling, and the model's weights",
        ) from error
