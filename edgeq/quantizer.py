"""One model from its file to QDQ ONNX: frontend, calibration, quantization passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.config import DISTILLED, GENIE, Config
from edgeq.progress import Progress, silent

if TYPE_CHECKING:
    import onnx_ir as ir
    from onnx_ir.passes import PassBase

    from edgeq.calibrate.samples import Samples, Spec
    from edgeq.pipeline import PassRecord
    from edgeq.quant.qparams import Range

RANDOM_SAMPLES = 32
DISTILLED_SAMPLES = 64

WITHOUT_DATA = {"round_per_layer": False, "correct_bias": False, "correct_bias_analytic": True}
"""Moments of random samples are none that the network knows; those of its batch normalizations are."""


def _unheard(text: str) -> None:
    """Takes no notice of a warning."""


@dataclass(frozen=True)
class Quantized:
    """A quantized model and what led to it.

    Attributes:
        reference: The canonical model before quantization: float, or the QDQ model that the user gave.
        prepared: The same function as the passes before quantization left it (equalized, ...): the model that lost
            precision. The reference itself where `imported`.
        model: QDQ ONNX with frozen weights.
        imported: The user's model was quantized already: there is no float model to compare with.
        samples: Of calibration; None where `imported`.
        records: The passes that ran.
        warnings: For the user.
    """

    reference: ir.Model
    prepared: ir.Model
    model: ir.Model
    imported: bool
    samples: Samples | None
    records: list[PassRecord]
    warnings: list[str] = field(default_factory=list)


def quantize(source: Path, config: Config, progress: Progress) -> Quantized:
    """Loads a model and quantizes it; a model that is quantized already keeps its own scales.

    Raises:
        EdgeqError: The model or the calibration data cannot be used.
    """
    from threadpoolctl import threadpool_limits

    from edgeq.frontend import load_model
    from edgeq.passes.import_quantized import is_quantized
    from edgeq.passes.recipes import import_passes, split_at_quantization
    from edgeq.pipeline import run_passes

    warnings: list[str] = []
    records: list[PassRecord] = []

    def record(done: PassRecord) -> None:
        records.append(done)
        progress(f"pass {done.name}", len(records), 0)

    progress("load model", 0, 0)
    reference = load_model(source, shapes=config.shapes, dump_dir=config.dump_passes, on_pass=record)
    imported = is_quantized(reference)
    samples = None if imported else calibration_samples(reference, config, warnings, progress)
    passes = (
        import_passes() if samples is None else passes_for(config, samples, progress=progress, warn=warnings.append)
    )
    prepare, rest = split_at_quantization(passes)
    run = partial(run_passes, dump_dir=config.dump_passes, on_pass=record)
    with threadpool_limits(1, "blas"):  # on layers' small matrices, a second thread costs more than it computes
        prepared, _ = run(reference.clone(), prepare, first=len(records) + 1)
        model, _ = run(prepared.clone(), rest, first=len(records) + 1)
    return Quantized(reference, prepared, model, imported, samples, records, warnings)


def passes_for(
    config: Config, samples: Samples, *, progress: Progress = silent, warn: Callable[[str], None] = _unheard
) -> list[PassBase]:
    """The passes that quantize a float model as the configuration asks.

    Args:
        samples: For calibration.
        warn: Told what looks wrong about the samples.

    Raises:
        UsageError: There is no such pass or option.
    """
    from edgeq.passes.presets import preset_passes
    from edgeq.passes.scheme import Scheme

    scheme = Scheme(
        config.weight_bits,
        config.activation_bits,
        config.granularity == "channel",
        _widths(config, "weight_bits"),
        _widths(config, "activation_bits"),
    )
    settings = config.passes if config.calib is not None else {**WITHOUT_DATA, **config.passes}
    return preset_passes(samples, config.preset, scheme, settings, progress=progress, warn=warn)


def _widths(config: Config, option: str) -> dict[str, int]:
    """What the configuration gives single layers, by node name."""
    return {name: row[option] for name, row in config.layers.items() if option in row}


def calibration_samples(model: ir.Model, config: Config, warnings: list[str], progress: Progress) -> Samples:
    """The user's calibration samples, or distilled ones; without either random ones, and a loud warning.

    Raises:
        CalibrationError: The data cannot be used, or the model holds no statistics to distil samples from.
    """
    from edgeq.calibrate.specs import input_specs
    from edgeq.calibrate.synthetic import random_samples
    from edgeq.quant.qparams import Range

    inputs = input_specs(model)
    if config.calib in DISTILLED:
        from edgeq.passes.distill_samples import distilled_samples

        told = partial(progress, "distil samples")
        return distilled_samples(model, DISTILLED_SAMPLES, config.seed, told, genie=config.calib == GENIE)
    if config.calib is not None:
        return read_samples(config.calib, inputs)
    lo, hi = config.input_range
    warnings.append(
        f"NO CALIBRATION DATA: ranges come from random numbers between {lo:g} and {hi:g}, and accuracy will suffer; "
        "give real samples with --calib"
    )
    ranges = {str(value.name): _random_range(value, Range(lo, hi)) for value in model.graph.inputs}
    return random_samples(inputs, ranges, config.seed, RANDOM_SAMPLES)


def _random_range(value: ir.Value, real: Range) -> Range:
    """Where random numbers for an input lie: of tokens in their vocabulary."""
    from edgeq.program.builder.gather import vocabulary
    from edgeq.quant.qparams import Range

    tokens = value.dtype is not None and value.dtype.is_integer()
    return Range(0.0, float(vocabulary(value))) if tokens else real


def samples_to_show(quantized: Quantized, config: Config) -> Samples:
    """Samples to look at a quantized model with: of the evaluation data where they are given."""
    from edgeq.calibrate.specs import input_specs

    if config.eval is not None:
        return read_samples(config.eval, input_specs(quantized.reference))
    return quantized.samples or calibration_samples(quantized.reference, config, [], silent)


def read_samples(data: Path | Mapping[str, np.ndarray], inputs: Mapping[str, Spec]) -> Samples:
    """Samples from a file, a folder, or arrays in memory."""
    from edgeq.calibrate.load import load_samples
    from edgeq.calibrate.synthetic import samples_of

    return load_samples(data, inputs) if isinstance(data, str | Path) else samples_of(data, inputs)
