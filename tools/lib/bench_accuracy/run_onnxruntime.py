"""onnxruntime.quantization.quantize_static: QDQ, signed activations, symmetric weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from bench_accuracy.job import BATCH, Job, Predict, work
from bench_accuracy.onnx_session import predictor
from bench_accuracy.wide import wide_tensors
from bench_accuracy.zoo import load_inputs

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
TYPES = {8: QuantType.QInt8, 4: QuantType.QInt4}
INT4_OPSET = 21


class Reader(CalibrationDataReader):
    """Hands out samples in batches of one size: calibration with histograms refuses a smaller last one."""

    def __init__(self, name: str, samples: np.ndarray, largest_batch: int) -> None:
        size = max(size for size in range(1, largest_batch + 1) if len(samples) % size == 0)
        self._feeds = iter([{name: piece} for piece in np.split(samples, len(samples) // size)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next feed; None at the end."""
        return next(self._feeds, None)


def quantize(job: Job) -> Predict:
    """Raises ValueError where onnxruntime has no type of that width."""
    if job.weight_bits not in TYPES:
        raise ValueError(f"quantize_static has no {job.weight_bits}-bit integer type")
    model = _prepared(job)
    result = Path(job.scratch) / "quantized.onnx"
    largest_batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value or BATCH
    quantize_static(
        model,
        result,
        Reader(*load_inputs(Path(job.calib)), largest_batch),
        quant_format=QuantFormat.QDQ,
        per_channel=job.per_channel,
        activation_type=TYPES[job.activation_bits],
        weight_type=TYPES[job.weight_bits],
        calibrate_method=METHODS[job.method],
        extra_options=_options(model, job),
    )
    return predictor(onnx.load(result))


def _prepared(job: Job) -> onnx.ModelProto:
    """The model after onnxruntime's own preprocessing, at an opset that has per-channel and 4-bit types."""
    converted, prepared = (Path(job.scratch) / name for name in ("converted.onnx", "prepared.onnx"))
    model = onnx.load(job.model)
    if model.opset_import[0].version < INT4_OPSET:
        model = version_converter.convert_version(model, INT4_OPSET)
    model.ir_version = 10
    onnx.save(model, converted)
    quant_pre_process(converted, prepared, skip_symbolic_shape=True)
    return onnx.load(prepared)


def _options(model: onnx.ModelProto, job: Job) -> dict[str, object]:
    if job.activation_bits == 8:
        return {}
    return {"TensorQuantOverrides": {name: [{"quant_type": QuantType.QInt8}] for name in wide_tensors(model)}}


if __name__ == "__main__":
    work(quantize)
