"""Walks one model to the places where quantization loses precision."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeq.config import Config
from edgeq.progress import Progress, silent
from edgeq.quantizer import Quantized, calibration_samples, passes_for, quantize, read_samples, samples_to_show

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

SAMPLES = 16


def debug(path: Path, config: Config, *, attribution: bool = False, progress: Progress | None = None) -> dict[str, Any]:
    """What each layer loses and, if asked for, what each pass contributes.

    A float model is quantized as the configuration says and compared with itself before. Of a model that is quantized
    already, and of a package, only the activations are judged: weights count as exact.

    Args:
        path: ONNX model, or the folder of a package.
        attribution: Quantizes a float model again and again, with one pass more each time.

    Returns:
        `compared`, `samples`, `layers` (as `LayerLoss`, the worst first), `attribution` (per stage; empty where not
        asked for or without a float model), `warnings`.

    Raises:
        EdgeqError: As `quantize`, or the package is damaged.
    """
    from edgeq.report.debug import layer_losses

    progress = progress or silent
    warnings: list[str] = []
    prepared, model, quantized = _models(path, config, progress)
    warnings += quantized.warnings if quantized is not None else []
    feeds = _feeds(model, quantized, config, warnings)
    floating = None if quantized is None or quantized.imported else quantized
    rows = layer_losses(prepared, model, feeds, partial(progress, "compare layers"))
    return {
        "compared": "activations" if floating is None else "weights and activations",
        "samples": len(next(iter(feeds.values()))),
        "layers": [row.to_dict() for row in rows],
        "attribution": _attribution(floating, config, progress) if attribution and floating is not None else [],
        "warnings": list(dict.fromkeys(warnings)),
    }


def _models(path: Path, config: Config, progress: Progress) -> tuple[ir.Model, ir.Model, Quantized | None]:
    """The float model to compare with, the QDQ model, and how it was quantized if it was here."""
    from edgeq.passes.quantized_tensors import without_activation_quantizers

    if path.is_dir():
        from edgeq.run.artifact import load_artifact

        model = load_artifact(path).model
        return without_activation_quantizers(model), model, None
    quantized = quantize(path, config, progress)
    exact = without_activation_quantizers(quantized.model) if quantized.imported else quantized.prepared
    return exact, quantized.model, quantized


def _feeds(model: ir.Model, quantized: Quantized | None, config: Config, warnings: list[str]) -> dict[str, np.ndarray]:
    """A few samples, of the evaluation data where they are given."""
    from edgeq.calibrate.specs import input_specs

    if quantized is not None:
        samples = samples_to_show(quantized, config)
    elif config.eval is not None:
        samples = read_samples(config.eval, input_specs(model))
    else:
        samples = calibration_samples(model, config, warnings, silent)
    return next(iter(samples.first(SAMPLES).batches(SAMPLES)))


def _attribution(quantized: Quantized, config: Config, progress: Progress) -> list[dict[str, Any]]:
    """By the metric on the evaluation data, or by SQNR on the calibration data."""
    from edgeq.evaluate import evaluate
    from edgeq.program.builder import build
    from edgeq.report.attribution import attribute, stages

    reference, samples = quantized.reference, samples_to_show(quantized, config)

    def measure(model: ir.Model) -> dict[str, Any]:
        answers = evaluate(reference, build(model, "model").program, samples)
        accuracy = answers.accuracy(config.metric)
        return {**accuracy.to_dict(), "sqnr_db": answers.accuracy("sqnr").quantized}

    # With rounding by layer, which corrects biases itself, bias correction has a row of its own before it.
    asked = replace(config, passes={"correct_bias": True, **config.passes})
    assert quantized.samples is not None
    passes = passes_for(asked, quantized.samples, progress=progress)
    return attribute(reference, stages(passes), measure, partial(progress, "attribute"))
