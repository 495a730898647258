"""edgeq: answers come from the integer program, in the interpreter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime  # noqa: F401  a worker imports its tool before the clock starts; this, too, edgeq loads when needed

from bench_accuracy.job import Job, Predict, work
from edgeq.calibrate.specs import input_specs
from edgeq.config import Config
from edgeq.frontend import load_model
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.presets import preset_passes  # noqa: F401
from edgeq.pipeline import run_passes
from edgeq.program.builder import build
from edgeq.program.interface import quantize_inputs, real_output
from edgeq.program.interpreter import interpret
from edgeq.progress import silent
from edgeq.quantizer import quantize, read_samples


def quantize_model(job: Job) -> Predict:
    """The method is a preset, or `naive`."""
    reference, model = _naive(job) if job.method == "naive" else _preset(job)
    program = build(model, "network").program
    inputs = input_specs(reference)
    (name,) = inputs

    def predict(samples: np.ndarray) -> np.ndarray:
        (batch,) = read_samples({name: samples}, inputs).batches(len(samples))
        port = program.outputs[0]
        return real_output(port, interpret(program, quantize_inputs(program, batch))[port.name])

    return predict


def _naive(job: Job) -> tuple[ir.Model, ir.Model]:
    """Ranges from minimum and maximum, weights rounded to the nearest step, and no other pass."""
    reference = load_model(Path(job.model))
    passes = [
        Calibrate(read_samples(Path(job.calib), input_specs(reference)), bits=job.activation_bits),
        InsertQdq(job.weight_bits, job.activation_bits, job.per_channel),
        FreezeWeights(),
    ]
    return reference, run_passes(reference.clone(), passes)[0]


def _preset(job: Job) -> tuple[ir.Model, ir.Model]:
    config = Config(
        calib=Path(job.calib),
        preset=job.method,
        weight_bits=job.weight_bits,
        activation_bits=job.activation_bits,
        granularity="channel" if job.per_channel else "tensor",
    )
    quantized = quantize(Path(job.model), config, silent)
    return quantized.reference, quantized.model


if __name__ == "__main__":
    work(quantize_model)
