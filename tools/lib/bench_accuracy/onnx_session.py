"""Runs ONNX models in onnxruntime as they are written: no kernel is swapped in by its optimizer."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime

from bench_accuracy.job import Predict


def predictor(model: onnx.ModelProto) -> Predict:
    """The first output of a model for inputs (samples, *shape); models with a fixed batch of 1 run sample by sample."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    port = session.get_inputs()[0]
    single = port.shape[0] == 1

    def predict(samples: np.ndarray) -> np.ndarray:
        pieces = np.split(samples, len(samples)) if single else [samples]
        return np.concatenate([session.run(None, {port.name: piece})[0] for piece in pieces])

    return predict
