"""What every compilation measures of a quantized model, whatever the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.config import Config
from edgeq.progress import Progress
from edgeq.quantizer import Quantized, read_samples, samples_to_show

if TYPE_CHECKING:
    from edgeq.program.builder import Built
    from edgeq.report.metrics import Accuracy

CHECK_SAMPLES = 8
GOLDEN_SAMPLES = 4


def check_inputs(
    quantized: Quantized, built: Built, config: Config
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A few samples, real and as integers: for golden vectors, noise per layer, the comparison with onnxruntime."""
    from edgeq.program.interface import quantize_inputs

    real = next(iter(samples_to_show(quantized, config).batches(CHECK_SAMPLES)))
    return real, quantize_inputs(built.program, real)


def golden_inputs(integers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The samples that a package brings along, by port."""
    return {port: array[:GOLDEN_SAMPLES] for port, array in integers.items()}


def measure_accuracy(quantized: Quantized, built: Built, config: Config, progress: Progress) -> Accuracy | None:
    """Of the integer program on the evaluation data; None without such data."""
    from edgeq.calibrate.specs import input_specs
    from edgeq.evaluate import evaluate

    if config.eval is None:
        return None
    samples = read_samples(config.eval, input_specs(quantized.reference))
    answers = evaluate(quantized.reference, built.program, samples, progress=progress)
    return answers.accuracy(config.metric)


def pass_rows(quantized: Quantized) -> list[dict[str, Any]]:
    """Passes as report.json has them: without times, so that equal inputs give equal packages."""
    return [{"name": r.name, "changed": r.changed, "nodes": r.nodes} for r in quantized.records]


def serialize(quantized: Quantized) -> bytes:
    """The QDQ model; equal models give equal bytes."""
    import onnx_ir as ir

    proto = ir.to_proto(quantized.model)
    proto.producer_name = "edgeq"
    return proto.SerializeToString(deterministic=True)
