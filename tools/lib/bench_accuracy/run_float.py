"""The float model in onnxruntime: what every other run is compared with."""

from __future__ import annotations

import onnx

from bench_accuracy.job import Job, Predict, work
from bench_accuracy.onnx_session import predictor


def load(job: Job) -> Predict:
    """Nothing is quantized."""
    return predictor(onnx.load(job.model))


if __name__ == "__main__":
    work(load)
